#include "boards/avr/avr.h"
#include "pins.h"

const struct board_info board_info = {
    .tick_hz = TIMER_HZ,
    .period_max_ticks = 32767, /* the next trigger is always nearer than half a turn of timer 1 */
    .slot_min_ticks = 100,     /* 27 us of conversion, the worst interrupt delay, and CPU time to spare */
    .capabilities = 0,
    .board = BOARD_UNO,
    .max_channels = EMG_INPUTS,
    .pulses_in_turn = SERVOS,
    .adc_bits = 10,
};

void board_init(void) {
    reset_init();
    clock_init();
    uart_init();
    sampling_init();
    servos_init();
    sei();
}

uint16_t board_supply_mv(void) {
    return 0;
}
