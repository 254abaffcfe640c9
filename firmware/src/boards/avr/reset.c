/* What comes before the first pass: why the board was reset, which boot this is, and the watchdog. */
#include <avr/wdt.h>

#include "avr.h"

#define WATCHDOG_PERIOD WDTO_120MS /* shorter than the hold time: a hang is answered no later than silence */
#define RAM_KEPT 0x5AC3U

/* Not cleared at start-up. */
static uint8_t reset_flags __attribute__((section(".noinit")));
static uint16_t ram_kept __attribute__((section(".noinit")));
static uint8_t warm_boots __attribute__((section(".noinit")));

#define POWER_UPS_AT 0U /* in the EEPROM */
static uint16_t boot_id;

/* Before main, and before the start-up code has spent any time: after a watchdog reset the watchdog is still on, at its
   shortest period, and changing the period without turning it off first takes effect too late. */
void reset_early(void) __attribute__((naked, used, section(".init3")));
void reset_early(void) {
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

static uint8_t power_ups_with_this(bool cold) {
    uint8_t power_ups = board_eeprom_read(POWER_UPS_AT);
    if (cold) {
        power_ups++;
        board_eeprom_write(POWER_UPS_AT, power_ups);
        (void)eeprom_ready(); /* the stored limits are read next */
    }
    return power_ups;
}

/* High byte: power-ups, counted in the EEPROM; low byte: resets since, counted in RAM that a reset leaves alone. An EEPROM
   that does not answer counts none; its limits count as damaged then, so no old ARM can move the hand (limits.c). */
void reset_init(void) {
    bool cold = ram_kept != RAM_KEPT || (reset_flags & (_BV(PORF) | _BV(BORF))) != 0U;
    uint8_t power_ups = eeprom_ready() ? power_ups_with_this(cold) : 0U;
    if (cold) {
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
