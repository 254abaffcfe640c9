/* What each board can do. Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef BOARD_TABLE_H
#define BOARD_TABLE_H

#define HOST_BAUD 500000

#define SIMULATED_TITLE "the simulated hand"
#define SIMULATED_BAUD 500000
#define SIMULATED_MAX_CHANNELS 64
#define BOARD_FACTS_SIMULATED \
    .board = 0, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 0, \
    .period_extra_ticks = 100, \
    .period_max_ticks = 65535, \
    .period_base_ticks = 0, \
    .max_channels = 64, \
    .adc_bits = 10, \
    .slot_conversions = 1, \
    .max_oversampling = 4, \
    .pulses_in_turn = 1

#define MEGA2560_TITLE "Arduino Mega 2560"
#define MEGA2560_BAUD 500000
#define MEGA2560_MAX_CHANNELS 8
#define BOARD_FACTS_MEGA2560 \
    .board = 1, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 100, \
    .period_extra_ticks = 100, \
    .period_max_ticks = 32767, \
    .period_base_ticks = 0, \
    .max_channels = 8, \
    .adc_bits = 10, \
    .slot_conversions = 1, \
    .max_oversampling = 4, \
    .pulses_in_turn = 1

#define UNO_TITLE "Arduino Uno, Nano"
#define UNO_BAUD 500000
#define UNO_MAX_CHANNELS 5
#define BOARD_FACTS_UNO \
    .board = 2, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 100, \
    .period_extra_ticks = 100, \
    .period_max_ticks = 32767, \
    .period_base_ticks = 0, \
    .max_channels = 5, \
    .adc_bits = 10, \
    .slot_conversions = 1, \
    .max_oversampling = 4, \
    .pulses_in_turn = 5

#define RP2040_TITLE "Waveshare RP2040-Zero"
#define RP2040_BAUD 0
#define RP2040_MAX_CHANNELS 4
#define BOARD_FACTS_RP2040 \
    .board = 3, \
    .baud = 0, \
    .line_bytes_per_s = 400000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 120, \
    .period_extra_ticks = 0, \
    .period_max_ticks = 43690, \
    .period_base_ticks = 0, \
    .max_channels = 4, \
    .adc_bits = 14, \
    .slot_conversions = 16, \
    .max_oversampling = 16, \
    .pulses_in_turn = 1

#define FEATHER_TITLE "Adafruit Feather RP2040"
#define FEATHER_BAUD 0
#define FEATHER_MAX_CHANNELS 4
#define BOARD_FACTS_FEATHER \
    .board = 4, \
    .baud = 0, \
    .line_bytes_per_s = 400000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 120, \
    .period_extra_ticks = 0, \
    .period_max_ticks = 43690, \
    .period_base_ticks = 0, \
    .max_channels = 4, \
    .adc_bits = 14, \
    .slot_conversions = 16, \
    .max_oversampling = 16, \
    .pulses_in_turn = 1

#define XIAO_TITLE "Seeed XIAO RP2040"
#define XIAO_BAUD 0
#define XIAO_MAX_CHANNELS 4
#define BOARD_FACTS_XIAO \
    .board = 5, \
    .baud = 0, \
    .line_bytes_per_s = 400000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 120, \
    .period_extra_ticks = 0, \
    .period_max_ticks = 43690, \
    .period_base_ticks = 0, \
    .max_channels = 4, \
    .adc_bits = 14, \
    .slot_conversions = 16, \
    .max_oversampling = 16, \
    .pulses_in_turn = 1

#define PICO_TITLE "Raspberry Pi Pico"
#define PICO_BAUD 0
#define PICO_MAX_CHANNELS 3
#define BOARD_FACTS_PICO \
    .board = 6, \
    .baud = 0, \
    .line_bytes_per_s = 400000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 120, \
    .period_extra_ticks = 0, \
    .period_max_ticks = 43690, \
    .period_base_ticks = 0, \
    .max_channels = 3, \
    .adc_bits = 14, \
    .slot_conversions = 16, \
    .max_oversampling = 16, \
    .pulses_in_turn = 1

#define PICO_UART_TITLE "Raspberry Pi Pico, UART"
#define PICO_UART_BAUD 500000
#define PICO_UART_MAX_CHANNELS 3
#define BOARD_FACTS_PICO_UART \
    .board = 7, \
    .baud = 500000, \
    .line_bytes_per_s = 50000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 120, \
    .period_extra_ticks = 0, \
    .period_max_ticks = 43690, \
    .period_base_ticks = 0, \
    .max_channels = 3, \
    .adc_bits = 14, \
    .slot_conversions = 16, \
    .max_oversampling = 16, \
    .pulses_in_turn = 1

#define FEATHER_ADS_TITLE "Feather RP2040 with ADS1299"
#define FEATHER_ADS_BAUD 0
#define FEATHER_ADS_MAX_CHANNELS 8
#define FEATHER_ADS_PERIOD_BASE_TICKS 125U
#define BOARD_FACTS_FEATHER_ADS \
    .board = 8, \
    .baud = 0, \
    .line_bytes_per_s = 400000, \
    .tick_hz = 2000000, \
    .slot_min_ticks = 0, \
    .period_extra_ticks = 125, \
    .period_max_ticks = 8000, \
    .period_base_ticks = 125, \
    .max_channels = 8, \
    .adc_bits = 16, \
    .slot_conversions = 1, \
    .max_oversampling = 1, \
    .pulses_in_turn = 1

#endif
