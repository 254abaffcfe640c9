/* Which CONFIG a board can take. */
#ifndef CONFIGURE_H
#define CONFIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "board_table.h"
#include "messages.h"

/* What a board can do: its row of the table in protocol.toml. */
struct board_info {
    uint32_t baud;
    uint32_t line_bytes_per_s;
    uint32_t tick_hz;            /* unit of the sample period */
    uint16_t slot_min_ticks;     /* of the sample period, for each channel and slot_conversions of it */
    uint16_t period_extra_ticks; /* of the sample period, beyond the channels' slots */
    uint16_t period_max_ticks;   /* of the sample period */
    uint16_t period_base_ticks;  /* the sample period is a power of two times this; 0: any */
    uint8_t board;               /* its id in IDENT */
    uint8_t max_channels;
    uint8_t slot_conversions;    /* so many of a channel cost no more time than one */
    uint8_t max_oversampling;
    uint8_t pulses_in_turn;      /* servos whose pulses follow one another; 1: all begin together */
    uint8_t adc_bits;
};

uint8_t channel_count(uint64_t channel_mask);

/* Two pulse widths that a servo can be calibrated by. */
bool pulses_fit(uint16_t pulse_0_us, uint16_t pulse_180_us);

/* An angle of this servo means the same pulse in both. */
bool same_pulses(const struct config *a, const struct config *b, uint8_t servo);

/* RESULT_OK, or the first rule of PROTOCOL.md (A session) that `c` breaks. */
enum result configure_check(const struct config *c, const struct board_info *board);

#endif
