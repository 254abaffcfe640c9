#include <assert.h>

#include "rp2.h"
#include "pins.h"

const struct board_info board_info = {BOARD_FACTS};

static_assert(EMG_INPUTS == BOARD_MAX_CHANNELS, "pins.h and protocol.toml agree");

struct emg_buffer board_emg;

uint16_t board_samples(void) {
    uint32_t mask = lock();
    uint16_t samples = emg_samples(&board_emg);
    unlock(mask);
    return samples;
}

void board_init(void) {
    reset_init();
    clock_init();
    eeprom_init();
    adc_init();
    sampling_init();
    servos_init();
    supply_init();
    panel_init();
    line_init();
}
