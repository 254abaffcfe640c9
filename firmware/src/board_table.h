/* What each board can do. Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef BOARD_TABLE_H
#define BOARD_TABLE_H

#define HOST_BAUD 500000

#define SIMULATED_MAX_CHANNELS 64
#define BOARD_FACTS_SIMULATED \
    .board = 0, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 0, \
    .period_extra_ticks = 100, \
    .period_max_ticks = 65535, \
    .max_channels = 64, \
    .adc_bits = 10, \
    .max_oversampling = 1, \
    .pulses_in_turn = 1

#define MEGA2560_MAX_CHANNELS 8
#define BOARD_FACTS_MEGA2560 \
    .board = 1, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 100, \
    .period_extra_ticks = 100, \
    .period_max_ticks = 32767, \
    .max_channels = 8, \
    .adc_bits = 10, \
    .max_oversampling = 1, \
    .pulses_in_turn = 1

#define UNO_MAX_CHANNELS 5
#define BOARD_FACTS_UNO \
    .board = 2, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 100, \
    .period_extra_ticks = 100, \
    .period_max_ticks = 32767, \
    .max_channels = 5, \
    .adc_bits = 10, \
    .max_oversampling = 1, \
    .pulses_in_turn = 5

#endif
