/* Five servos on hardware PWM: timers 4 and 5 count 20 ms at 2 MHz; compare values are double-buffered and take hold
   when the next period begins. */
#include "boards/avr/avr.h"
#include "pins.h"

#define PERIOD_TICKS (TIMER_HZ / 1000UL * SERVO_PERIOD_MS)
#define QUIET_FROM_TICKS (2U * PULSE_MAX_US + 50U)    /* every pulse is over */
#define QUIET_UNTIL_TICKS (PERIOD_TICKS - 14U)        /* all writes surely come before the next period */

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

void servos_init(void) {
    SERVO_PINS(OUTPUT)
    ICR4 = PERIOD_TICKS - 1U;
    ICR5 = PERIOD_TICKS - 1U;
    TCCR4A = MODE_A_4;
    TCCR5A = MODE_A_5;
    TCCR4B = _BV(WGM43) | _BV(WGM42) | _BV(CS41);
    TCCR5B = _BV(WGM53) | _BV(WGM52) | _BV(CS51);
    TCNT4 = 0;
    TCNT5 = 0;
    TIMSK4 = _BV(TOIE4);
}

/* Locked by the caller. */
static bool quiet(void) {
    uint16_t now = TCNT4;
    return begun == 0U && now >= QUIET_FROM_TICKS && now < QUIET_UNTIL_TICKS;
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

bool board_servos_off(void) {
    uint8_t status = lock();
    bool now = quiet();
    if (now) {
        TCCR4A = MODE_A_4;
        TCCR5A = MODE_A_5;
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
