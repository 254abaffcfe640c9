#include "configure.h"

#include <assert.h>

#include "emg.h"

__attribute__((noinline)) /* 64 bits are long code on an AVR: once is enough */
uint8_t channel_count(uint64_t channel_mask) {
    uint8_t count = 0U;
    for (; channel_mask != 0U; channel_mask &= channel_mask - 1U) {
        count++;
    }
    return count;
}

static bool pulse_fits(uint16_t pulse_us) {
    return pulse_us >= PULSE_MIN_US && pulse_us <= PULSE_MAX_US;
}

bool pulses_fit(uint16_t pulse_0_us, uint16_t pulse_180_us) {
    return pulse_fits(pulse_0_us) && pulse_fits(pulse_180_us) && pulse_0_us != pulse_180_us;
}

bool same_pulses(const struct config *a, const struct config *b, uint8_t servo) {
    return a->pulse_0_us[servo] == b->pulse_0_us[servo] && a->pulse_180_us[servo] == b->pulse_180_us[servo];
}

static bool servos_fit(const struct config *c) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        bool ordered = c->servo_min_cdeg[i] <= c->servo_safe_cdeg[i] && c->servo_safe_cdeg[i] <= c->servo_max_cdeg[i] &&
                       c->servo_max_cdeg[i] <= ANGLE_MAX_CDEG;
        if (!ordered || !pulses_fit(c->pulse_0_us[i], c->pulse_180_us[i])) {
            return false;
        }
    }
    return true;
}

static bool servo_period_fits(const struct config *c, uint8_t pulses_in_turn) {
    uint16_t longest_us = 0U;
    for (uint8_t i = 0; i < SERVOS; i++) {
        uint16_t pulse_us = c->pulse_0_us[i] > c->pulse_180_us[i] ? c->pulse_0_us[i] : c->pulse_180_us[i];
        longest_us = pulse_us > longest_us ? pulse_us : longest_us;
    }
    return c->servo_period_us >= SERVO_PERIOD_MIN_US && c->servo_period_us <= SERVO_PERIOD_MAX_US &&
           (uint32_t)pulses_in_turn * longest_us + SERVO_GAP_US <= c->servo_period_us;
}

#define LINK_UNIT_HZ 10000U /* each board's rates are whole numbers of it, and 32 bits are enough: c_header.py checks both */
static_assert(LINK_LOAD_MAX_PERCENT % 10U == 0U, "a number of tenths");

/* frame bytes x fs / n <= load x bytes that the line carries, without a division. */
static bool link_carries(const struct config *c, uint8_t channels, const struct board_info *board) {
    uint16_t frame_bytes = (uint16_t)(FRAME_WIRE_OVERHEAD + MSG_BYTES_EMG + 2U * c->samples_per_frame * channels);
    uint32_t bytes_x10 = (uint32_t)frame_bytes * (10U * board->tick_hz / LINK_UNIT_HZ);
    uint32_t line_bytes_x10 = LINK_LOAD_MAX_PERCENT / 10U * board->line_bytes_per_s / LINK_UNIT_HZ;
    return bytes_x10 <= line_bytes_x10 * ((uint32_t)c->samples_per_frame * c->sample_period_ticks);
}

/* A converter with a clock of its own halves its fastest rate, and has no other. */
static bool is_doubled(uint32_t base_ticks, uint16_t period_ticks) {
    while (base_ticks != 0U && base_ticks < period_ticks) {
        base_ticks *= 2U;
    }
    return base_ticks == 0U || base_ticks == period_ticks;
}

static bool slots_fit(const struct config *c, uint16_t slots, const struct board_info *board) {
    return c->sample_period_ticks >= (uint32_t)board->slot_min_ticks * slots + board->period_extra_ticks;
}

static bool period_fits(const struct config *c, uint8_t channels, const struct board_info *board) {
    return slots_fit(c, channels, board) && c->sample_period_ticks <= board->period_max_ticks &&
           is_doubled(board->period_base_ticks, c->sample_period_ticks);
}

/* Beyond slot_conversions, conversions are summed, and the sum has to be whole bits longer. */
static bool oversampling_fits(const struct config *c, uint8_t channels, const struct board_info *board) {
    uint8_t k = c->oversampling;
    if (k == 0U || k > board->max_oversampling) {
        return false;
    }
    return k <= board->slot_conversions || ((k & (k - 1U)) == 0U && slots_fit(c, (uint16_t)(channels * k), board));
}

enum result configure_check(const struct config *c, const struct board_info *board) {
    uint8_t channels = channel_count(c->channel_mask);
    if (channels == 0U || (board->max_channels < 64U && (c->channel_mask >> board->max_channels) != 0U)) {
        return RESULT_BAD_CHANNELS;
    }
    if (!period_fits(c, channels, board)) {
        return RESULT_BAD_PERIOD;
    }
    if (c->samples_per_frame == 0U || (uint16_t)c->samples_per_frame * channels > EMG_MAX_VALUES) {
        return RESULT_BAD_SAMPLES_PER_FRAME;
    }
    if (c->sample_format != SAMPLE_FORMAT_INT16) {
        return RESULT_BAD_FORMAT;
    }
    if (!oversampling_fits(c, channels, board)) {
        return RESULT_BAD_OVERSAMPLING;
    }
    if (!servos_fit(c)) {
        return RESULT_BAD_SERVO_RANGE;
    }
    if (!servo_period_fits(c, board->pulses_in_turn)) {
        return RESULT_BAD_SERVO_PERIOD;
    }
    if (c->slew_cdeg_per_s < SLEW_MIN_CDEG_PER_S || c->slew_cdeg_per_s > SLEW_MAX_CDEG_PER_S) {
        return RESULT_BAD_SLEW;
    }
    if (c->hold_ms < HOLD_MIN_MS || c->hold_ms > HOLD_MAX_MS || c->relax_ms <= c->hold_ms || c->relax_ms > RELAX_MAX_MS) {
        return RESULT_BAD_TIMEOUTS;
    }
    return link_carries(c, channels, board) ? RESULT_OK : RESULT_LINK_OVERLOAD;
}
