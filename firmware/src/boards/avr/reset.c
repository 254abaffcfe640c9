/* What comes before the first pass: why the board was reset, which boot this is, and the watchdog. */
#include <avr/eeprom.h>
#include <avr/wdt.h>

#include "avr.h"

#define WATCHDOG_PERIOD WDTO_120MS /* shorter than the hold time: a hang is answered no later than silence */
#define RAM_KEPT 0x5AC3U

/* Not cleared at start-up. */
static uint8_t reset_flags __attribute__((section(".noinit")));
static uint16_t ram_kept __attribute__((section(".noinit")));
static uint8_t warm_boots __attribute__((section(".noinit")));

static uint8_t power_ups_saved EEMEM;
static uint16_t boot_id;

/* Before main, and before the start-up code has spent any time: after a watchdog reset the watchdog is still on, at its
   shortest period, and changing the period without turning it off first takes effect too late. */
void reset_early(void) __attribute__((naked, used, section(".init3")));
void reset_early(void) {
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

/* High byte: power-ups, counted in the EEPROM; low byte: resets since, counted in RAM that a reset leaves alone. */
void reset_init(void) {
    bool cold = ram_kept != RAM_KEPT || (reset_flags & (_BV(PORF) | _BV(BORF))) != 0U;
    uint8_t power_ups = eeprom_read_byte(&power_ups_saved);
    if (cold) {
        power_ups++;
        eeprom_update_byte(&power_ups_saved, power_ups);
        eeprom_busy_wait(); /* the stored limits are read next */
        warm_boots = 0U;
        ram_kept = RAM_KEPT;
    } else {
        warm_boots++;
    }
    boot_id = (uint16_t)((uint16_t)power_ups << 8 | warm_boots);
    if (reset_flags == 0U && cold) {
        reset_flags = _BV(PORF); /* a bootloader has cleared the register, but the RAM tells */
    }
    wdt_enable(WATCHDOG_PERIOD);
}

uint16_t board_boot_id(void) {
    return boot_id;
}

enum reset_cause board_reset_cause(void) {
    if ((reset_flags & _BV(WDRF)) != 0U) {
        return RESET_CAUSE_WATCHDOG;
    }
    if ((reset_flags & _BV(PORF)) != 0U) {
        return RESET_CAUSE_POWER_ON;
    }
    if ((reset_flags & _BV(BORF)) != 0U) {
        return RESET_CAUSE_BROWN_OUT;
    }
    return (reset_flags & _BV(EXTRF)) != 0U ? RESET_CAUSE_EXTERNAL : RESET_CAUSE_UNKNOWN;
}

void board_watchdog_feed(void) {
    wdt_reset();
}
