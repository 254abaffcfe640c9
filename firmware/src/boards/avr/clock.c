/* Time: timer 1 runs free at 2 MHz (the sample clock, the device clock), timer 0 ticks every millisecond. */
#include <avr/sleep.h>

#include "avr.h"

#define TICK_COUNTS (F_CPU / 64UL / 1000UL)

/* The interrupts count in one byte to be short; the main loop, which the watchdog keeps going, makes it long. */
static volatile uint8_t turns; /* of timer 1: 32.768 ms each */
static volatile uint8_t ticks; /* milliseconds */

ISR(TIMER1_OVF_vect) {
    turns++;
}

ISR(TIMER0_COMPA_vect) {
    ticks++;
    WAKE_BITS |= WAKE_TICK;
}

void clock_init(void) {
    TCCR1A = 0;
    TCCR1B = _BV(CS11);
    TIMSK1 |= _BV(TOIE1);
    OCR0A = TICK_COUNTS - 1;
    TCCR0A = _BV(WGM01);
    TCCR0B = _BV(CS01) | _BV(CS00);
    TIMSK0 = _BV(OCIE0A);
    SMCR = _BV(SE); /* sleep is idle: timers, converter and line go on */
}

uint32_t board_now_ms(void) {
    static uint32_t now_ms;
    now_ms += (uint8_t)(ticks - (uint8_t)now_ms);
    return now_ms;
}

uint32_t board_clock_us(void) {
    static uint32_t all_turns;
    uint8_t status = lock();
    uint16_t count = TCNT1;
    uint8_t now = turns;
    if ((TIFR1 & _BV(TOV1)) != 0 && count < 0x8000U) {
        now++; /* it has turned over since the lock */
    }
    unlock(status);
    all_turns += (uint8_t)(now - (uint8_t)all_turns);
    return (all_turns << 15) | (count >> 1);
}

uint16_t board_stopwatch_half_us(void) {
    uint8_t status = lock();
    uint16_t count = TCNT1;
    unlock(status);
    return count;
}

uint8_t board_wait(void) {
    for (;;) {
        cli();
        uint8_t wake = WAKE_BITS;
        if (wake != 0U) {
            WAKE_BITS = 0;
            sei();
            return wake;
        }
        sei(); /* takes effect after the next instruction, so no interrupt slips in before the sleep */
        sleep_cpu();
        __asm__ volatile("nop"); /* silicon runs the interrupt first; simavr one more instruction, which must not be cli */
    }
}
