/* What comes before the first pass: why the board was reset, which boot this is, and the watchdog. */
#include "rp2.h"

#define WATCHDOG_MS 120U
#define WATCHDOG_COUNT (2U * 1000U * WATCHDOG_MS) /* erratum RP2040-E1: it counts down twice each microsecond */
#define WATCHDOG_ENABLE BIT(30)
#define ALL_BUT_OSCILLATORS 0x1FFFCUL
#define HAD_POWER_ON BIT(8)
#define HAD_RUN_PIN BIT(16)
#define OURS 0x5AC3B00DUL
#define BOOT_ID_BITS 16U

/* Not cleared at start-up. */
static uint32_t ram_kept __attribute__((section(".noinit")));
static uint16_t boot_id __attribute__((section(".noinit")));
static enum reset_cause cause;

/* The boot ROM's loader uses the watchdog to start a program that it has just written; only ours sets SCRATCH0. */
static enum reset_cause find_cause(void) {
    if (WATCHDOG_REASON != 0U) {
        return WATCHDOG_SCRATCH0 == OURS ? RESET_CAUSE_WATCHDOG : RESET_CAUSE_EXTERNAL;
    }
    if ((CHIP_RESET & HAD_RUN_PIN) != 0U) {
        return RESET_CAUSE_EXTERNAL;
    }
    return (CHIP_RESET & HAD_POWER_ON) != 0U ? RESET_CAUSE_POWER_ON : RESET_CAUSE_UNKNOWN;
}

/* After power-on a number out of the ring oscillator's noise; then the next one at each reset. */
void reset_init(void) {
    cause = find_cause();
    if (ram_kept != OURS || cause == RESET_CAUSE_POWER_ON) {
        ram_kept = OURS;
        for (uint8_t i = 0; i < BOOT_ID_BITS; i++) {
            uint32_t bit = ROSC_RANDOM_BIT;
            for (uint8_t k = 0; k < 31U; k++) { /* one bit alone leans to one side */
                bit ^= ROSC_RANDOM_BIT;
            }
            boot_id = (uint16_t)(boot_id << 1 | (bit & 1U));
        }
    } else {
        boot_id++;
    }
    WATCHDOG_SCRATCH0 = OURS;
    PSM_WDSEL = ALL_BUT_OSCILLATORS;
    WATCHDOG_LOAD = WATCHDOG_COUNT;
    SET(WATCHDOG) = WATCHDOG_ENABLE;
}

uint16_t board_boot_id(void) {
    return boot_id;
}

enum reset_cause board_reset_cause(void) {
    return cause;
}

void board_watchdog_feed(void) {
    WATCHDOG_LOAD = WATCHDOG_COUNT;
}

#define ROM_TABLE_LOOKUP (*(const uint16_t *)(uintptr_t)0x18U) /* 2.8.3 */
#define ROM_FUNCTIONS (*(const uint16_t *)(uintptr_t)0x14U)
#define ROM_RESET_TO_USB_BOOT ('U' | 'B' << 8)

void enter_boot_loader(void) {
    typedef void *lookup(const uint16_t *table, uint32_t code);
    typedef void reset_to_usb_boot(uint32_t activity_pins, uint32_t without);
    lookup *find = (lookup *)(uintptr_t)ROM_TABLE_LOOKUP;
    reset_to_usb_boot *loader =
        (reset_to_usb_boot *)(uintptr_t)find((const uint16_t *)(uintptr_t)ROM_FUNCTIONS, ROM_RESET_TO_USB_BOOT);
    loader(0U, 0U);
    for (;;) { /* it never comes back */
    }
}
