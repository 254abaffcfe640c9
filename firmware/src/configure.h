/* Which CONFIG a board can take. */
#ifndef CONFIGURE_H
#define CONFIGURE_H

#include <stdint.h>

#include "messages.h"

/* What a board can do; each board folder defines its own. */
struct board_info {
    uint32_t tick_hz;          /* unit of the sample period */
    uint16_t period_max_ticks; /* of the sample period */
    uint16_t slot_min_ticks;   /* from one conversion to the next */
    uint16_t capabilities;     /* bits capability */
    uint8_t board;             /* enum board */
    uint8_t max_channels;
    uint8_t pulses_in_turn;    /* servos whose pulses follow one another; 1: all begin together */
    uint8_t adc_bits;
};

uint8_t channel_count(uint64_t channel_mask);

/* RESULT_OK, or the first rule of PROTOCOL.md (A session) that `c` breaks. */
enum result configure_check(const struct config *c, const struct board_info *board);

#endif
