#include <assert.h>

#include "rp2.h"
#include "pins.h"

const struct board_info board_info = {BOARD_FACTS};

static_assert(EMG_INPUTS == BOARD_MAX_CHANNELS, "pins.h and protocol.toml agree");

void board_init(void) {
    reset_init();
    clock_init();
    eeprom_init();
    sampling_init();
    servos_init();
    supply_init();
    panel_init();
    line_init();
}
