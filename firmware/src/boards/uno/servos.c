/* Five servos in turn, each in its own fifth of the servo period: compare A of the free-running timer 1 interrupts at every
   edge. A pulse's width is as exact as the two interrupts' delays are equal: within 10 us. */
#include <assert.h>
#include <string.h>

#include "boards/avr/avr.h"
#include "pins.h"

/* A pulse's width is asked for only when it may soon be over, so that the newest setpoint counts. */
#define LATCH_TICKS (2U * PULSE_MIN_US - 200U)
#define SLOT_TICKS(period_us) ((uint16_t)(2UL * (period_us) / SERVOS)) /* longer than any pulse: configure_check */

#define BIT(finger, pin, port, bit) | (1U << (bit))
static_assert((0U SERVO_PINS(BIT)) == (1U << SERVOS) - 1U, "servo i is bit i of port B");

static uint16_t widths[2][SERVOS];
static const uint16_t *volatile width = widths[0]; /* the ones in force; the others can be written at leisure */
static volatile uint8_t gate;                      /* all ones: pulses on */
static volatile uint8_t begun;                     /* bit for each servo */

enum edge { EDGE_RISE, LATCH, EDGE_FALL };
static uint8_t coming = EDGE_RISE;
static uint8_t level = 1U; /* of the port after the next edge */
static uint8_t servo;      /* whose edge it is */
static uint16_t slot_start;
static uint16_t slot_ticks = SLOT_TICKS(SERVO_PERIOD_MAX_US);

static inline void fall(void) {
    slot_start = (uint16_t)(slot_start + slot_ticks);
    OCR1A = slot_start;
    sei(); /* the rest is in no hurry */
    servo = servo == SERVOS - 1U ? 0U : (uint8_t)(servo + 1U);
    level = (uint8_t)(1U << servo);
    coming = EDGE_RISE;
}

ISR(TIMER1_COMPA_vect) {
    if (coming == LATCH) {
        OCR1A = (uint16_t)(slot_start + width[servo]);
        sei();
        begun |= level;
        level = 0U;
        coming = EDGE_FALL;
        WAKE_BITS |= WAKE_PULSES;
        return;
    }
    PORTB = level & gate; /* rise and fall take the same way to here, so they have the same delay */
    if (coming == EDGE_FALL) {
        fall();
    } else {
        OCR1A = (uint16_t)(slot_start + LATCH_TICKS);
        sei();
        coming = LATCH;
    }
}

void servos_init(void) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        widths[0][i] = 2U * PULSE_MIN_US;
    }
    DDRB = (1U << SERVOS) - 1U;
    slot_start = (uint16_t)(TCNT1 + slot_ticks);
    OCR1A = slot_start;
    TIMSK1 |= _BV(OCIE1A);
}

bool board_servos_ready(void) {
    return begun == 0U;
}

bool board_servos_write(const uint16_t *pulse_half_us) {
    uint16_t *other = width == widths[0] ? widths[1] : widths[0];
    memcpy(other, pulse_half_us, sizeof widths[0]);
    uint8_t status = lock();
    bool now = begun == 0U;
    if (now) {
        width = other;
        gate = 0xFFU;
    }
    unlock(status);
    return now;
}

bool board_servos_off(uint16_t period_us) {
    uint16_t ticks = SLOT_TICKS(period_us);
    uint8_t status = lock();
    gate = 0U; /* at the next edge: a pulse that runs is finished */
    slot_ticks = ticks;
    unlock(status);
    return true;
}

uint8_t board_pulses_begun(void) {
    uint8_t status = lock();
    uint8_t servos = begun;
    begun = 0U;
    unlock(status);
    return servos;
}
