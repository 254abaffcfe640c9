/* Five servos on hardware PWM: timers 4 and 5 count the servo period at 2 MHz; all five pulses begin together. Compare
   values are double-buffered and take hold when the next period begins. */
#include "boards/avr/avr.h"
#include "pins.h"

#define QUIET_FROM_TICKS (2U * PULSE_MAX_US + 50U) /* every pulse is over */
#define WRITE_TICKS 14U                            /* all writes surely come before the next period */

#define OUTPUT(finger, pin, port, bit, timer, channel) DDR##port |= _BV(bit);
#define WRITE(finger, pin, port, bit, timer, channel) OCR##timer##channel = (uint16_t)(*pulse_half_us++ - 1U);
#define ON_4(timer, channel) | (timer == 4 ? _BV(COM4##channel##1) : 0)
#define ON_5(timer, channel) | (timer == 5 ? _BV(COM5##channel##1) : 0)
#define CONNECT_4(finger, pin, port, bit, timer, channel) ON_4(timer, channel)
#define CONNECT_5(finger, pin, port, bit, timer, channel) ON_5(timer, channel)

/* Fast PWM with ICR as top; a connected output is high from the start of the period to the compare match. */
#define MODE_A_4 _BV(WGM41)
#define MODE_A_5 _BV(WGM51)
#define CONNECTED_4 (uint8_t)(MODE_A_4 SERVO_PINS(CONNECT_4))
#define CONNECTED_5 (uint8_t)(MODE_A_5 SERVO_PINS(CONNECT_5))

static volatile uint8_t begun;

ISR(TIMER4_OVF_vect) {
    begun = (1U << SERVOS) - 1U;
    WAKE_BITS |= WAKE_PULSES;
}

/* A servo period of 3 ms leaves less than half a millisecond to write: the main loop must not sleep through it. */
ISR(TIMER5_COMPC_vect) {
    WAKE_BITS |= WAKE_PULSES;
}

/* From within the quiet time, with no output connected: a top below the count would let it run to its end. */
static void set_period(uint16_t top) {
    TCCR4B = _BV(WGM43) | _BV(WGM42);
    TCCR5B = _BV(WGM53) | _BV(WGM52);
    ICR4 = top;
    ICR5 = top;
    TCCR4B = _BV(WGM43) | _BV(WGM42) | _BV(CS41);
    TCCR5B = _BV(WGM53) | _BV(WGM52) | _BV(CS51);
    TCNT4 = QUIET_FROM_TICKS;
    TCNT5 = QUIET_FROM_TICKS;
}

void servos_init(void) {
    SERVO_PINS(OUTPUT)
    TCCR4A = MODE_A_4;
    TCCR5A = MODE_A_5;
    OCR5C = QUIET_FROM_TICKS;
    set_period(2U * SERVO_PERIOD_MAX_US - 1U);
    TIMSK4 = _BV(TOIE4);
    TIMSK5 = _BV(OCIE5C);
}

/* Locked by the caller. */
static bool quiet(void) {
    uint16_t now = TCNT4;
    return begun == 0U && now >= QUIET_FROM_TICKS && now <= ICR4 - WRITE_TICKS;
}

bool board_servos_ready(void) {
    uint8_t status = lock();
    bool now = quiet();
    unlock(status);
    return now;
}

bool board_servos_write(const uint16_t *pulse_half_us) {
    uint8_t status = lock();
    bool now = quiet();
    if (now) {
        SERVO_PINS(WRITE)
        TCCR4A = CONNECTED_4;
        TCCR5A = CONNECTED_5;
    }
    unlock(status);
    return now;
}

bool board_servos_off(uint16_t period_us) {
    uint16_t top = (uint16_t)(2U * period_us - 1U);
    uint8_t status = lock();
    bool now = quiet();
    if (now) {
        TCCR4A = MODE_A_4;
        TCCR5A = MODE_A_5;
        if (ICR4 != top) {
            set_period(top);
        }
    }
    unlock(status);
    return now;
}

uint8_t board_pulses_begun(void) {
    uint8_t status = lock();
    uint8_t servos = begun;
    begun = 0U;
    unlock(status);
    return servos;
}
