#include "boards/avr/avr.h"
#include "pins.h"

const struct board_info board_info = {BOARD_FACTS_MEGA2560};

void board_init(void) {
    reset_init();
    clock_init();
    uart_init();
    sampling_init();
    servos_init();
    sei();
}

uint16_t board_capabilities(void) {
    return 0;
}

uint16_t board_supply_mv(void) {
    return 0;
}
