/* The EEPROM, a byte at a time: a write goes on by itself for 3.4 ms, through a reset too. */
#include "avr.h"

#define LOOKS_MAX UINT16_MAX /* a look takes 5 cycles at least, so these take 20 ms; no timer runs yet */

bool board_eeprom_busy(void) {
    return (EECR & _BV(EEPE)) != 0U;
}

bool eeprom_ready(void) {
    for (uint16_t looks = LOOKS_MAX; looks != 0U; looks--) {
        if (!board_eeprom_busy()) {
            return true;
        }
    }
    return false;
}

uint8_t board_eeprom_read(uint16_t at) {
    EEAR = at;
    EECR |= _BV(EERE);
    return EEDR;
}

void board_eeprom_write(uint16_t at, uint8_t byte) {
    EEAR = at;
    EEDR = byte;
    uint8_t status = lock(); /* the second bit counts within four cycles of the first */
    EECR |= _BV(EEMPE);
    EECR |= _BV(EEPE);
    unlock(status);
}
