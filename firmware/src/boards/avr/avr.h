/* What the AVR drivers share. Interrupt budget: each keeps the others out for at most 70 cycles; no loops, no 32-bit
   arithmetic. */
#ifndef AVR_H
#define AVR_H

#include <avr/interrupt.h>
#include <avr/io.h>

#include "boards/board.h"

/* What is to do (enum wake). An I/O register, because setting a bit there is one instruction that needs no lock. */
#define WAKE_BITS GPIOR0

#define TIMER_HZ (F_CPU / 8UL)

/* Interrupts off, and back to what they were. */
static inline uint8_t lock(void) {
    uint8_t status = SREG;
    cli();
    return status;
}

static inline void unlock(uint8_t status) {
    __asm__ volatile("" ::: "memory"); /* what was written under the lock is in memory before it opens */
    SREG = status;
}

void clock_init(void);
void reset_init(void);
void sampling_init(void);
void servos_init(void);
void panel_init(void);
void supply_init(void);

/* The servo supply's newest code, and asks for the next one. False: none has come since the last call. */
bool sampling_supply(uint16_t *code);

/* Converts the supply at once, while nothing is sampled. False: the converter has stalled. */
bool sampling_supply_now(uint16_t *code);

/* Waits until the EEPROM has ended its writing. False: it does not end. */
bool eeprom_ready(void);
void uart_init(void);

#endif
