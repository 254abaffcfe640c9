#include <assert.h>

#include "boards/avr/avr.h"
#include "pins.h"

const struct board_info board_info = {BOARD_FACTS_UNO};

static_assert(EMG_INPUTS == UNO_MAX_CHANNELS, "pins.h and protocol.toml agree");

void board_init(void) {
    reset_init();
    clock_init();
    uart_init();
    sampling_init();
    servos_init(); /* so soon after clock_init that no millisecond's work comes just before a pulse */
    supply_init();
    panel_init();
    sei();
}
