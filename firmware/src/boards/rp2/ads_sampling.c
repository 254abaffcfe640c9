/* Sampling with a front end of 24 bits: its clock paces it, and each fall of DRDY brings a sample of all channels.

   A value travels in 16 bits. What is constant in it comes from the electrodes and is a hundred times an EMG, so the mean of
   the last 0.13 s is taken off first; then 8 steps are a count: 0.36 uV, less than the chip's own noise, and +-11.7 mV. More
   than that ends there.
   A chip that falls silent gives no sample any more, and safety.c's rule for a stalled converter follows. */
#include <assert.h>

#include "ads.h"
#include "pins.h"

#ifdef ADS_DRDY_PIN

#define STATUS_MARK 0xC0U       /* of the four first bits */
#define STEPS_SHIFT 3U
#define FASTEST_MEAN_SHIFT 11U  /* at 16 kHz a mean of 2^11 samples: below 1.24 Hz; half as many at half the rate */

static_assert(EMG_INPUTS == ADS_CHANNELS, "the status tells of all electrodes");

static uint8_t channel_mask;
static uint8_t mean_shift;
static int64_t sums[ADS_CHANNELS]; /* 2^mean_shift times the mean of each */
static bool begun;              /* a sample has come */
static uint32_t last_us;        /* at which DRDY fell */
static uint32_t gap_max_us;     /* from one fall to the next */

static int16_t within_16_bits(int32_t value) {
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static int16_t centred(int64_t *sum, int32_t value) {
    if (!begun) {
        *sum = (int64_t)value * (1L << mean_shift);
    }
    int32_t beyond = value - (int32_t)(*sum >> mean_shift);
    *sum += beyond;
    return within_16_bits((beyond + (1 << (STEPS_SHIFT - 1U))) >> STEPS_SHIFT);
}

static int32_t value_at(const uint8_t *at) {
    return (int32_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8) >> 8;
}

/* Positive and negative electrodes, a bit for each channel. */
static uint8_t electrodes_off(const uint8_t *status) {
    uint16_t positive = (uint16_t)(status[0] << 4 | status[1] >> 4);
    uint16_t negative = (uint16_t)(status[1] << 4 | status[2] >> 4);
    return (uint8_t)((positive | negative) & channel_mask);
}

/* A sample after a pause does not count: the chip may have reset itself, and now runs at a rate and with gains of its own. */
static bool in_time(uint32_t now_us) {
    bool fits = !begun || now_us - last_us <= gap_max_us;
    last_us = now_us;
    return fits;
}

void gpio_isr(void);
void gpio_isr(void) {
    uint8_t frame[ADS_FRAME_BYTES] = {0U};
    uint32_t now_us = TIMER_RAW_LOW;
    GPIO_EDGES(ADS_DRDY_PIN) = GPIO_FALLING(ADS_DRDY_PIN);
    ads_read(frame);
    if (!in_time(now_us) || (frame[0] & 0xF0U) != STATUS_MARK) {
        emg_lost(&board_emg);
        return;
    }
    if (electrodes_off(frame) != 0U) {
        emg_lead_off(&board_emg);
    }
    for (uint8_t i = 0; i < ADS_CHANNELS; i++) {
        if ((channel_mask & BIT(i)) != 0U) {
            emg_value(&board_emg, centred(&sums[i], value_at(&frame[3U + 3U * i])));
        }
    }
    begun = true;
    if (emg_sample_done(&board_emg)) {
        wake_up(WAKE_EMG);
    }
}

void sampling_init(void) {
    ads_init();
    NVIC_ENABLE = BIT(IRQ_GPIO);
}

/* How often the fastest rate is halved for this period. */
static uint8_t halvings(uint16_t period_ticks) {
    uint8_t halved = 0U;
    while ((BOARD_PERIOD_BASE_TICKS << halved) < period_ticks) {
        halved++;
    }
    return halved;
}

void board_sampling_start(const struct config *config) {
    board_sampling_stop();
    uint8_t halved = halvings(config->sample_period_ticks);
    channel_mask = (uint8_t)config->channel_mask;
    mean_shift = (uint8_t)(FASTEST_MEAN_SHIFT - halved);
    gap_max_us = config->sample_period_ticks * 3U / 4U; /* one and a half periods of half microseconds */
    begun = false;
    emg_reset(&board_emg, config->samples_per_frame, channel_count(channel_mask));
    if (ads_start(channel_mask, halved)) {
        GPIO_EDGES(ADS_DRDY_PIN) = GPIO_FALLING(ADS_DRDY_PIN);
        SET(GPIO_EDGES_ENABLED(ADS_DRDY_PIN)) = GPIO_FALLING(ADS_DRDY_PIN);
    }
}

void board_sampling_stop(void) {
    CLR(GPIO_EDGES_ENABLED(ADS_DRDY_PIN)) = GPIO_FALLING(ADS_DRDY_PIN);
    ads_stop();
}

uint16_t sampling_capabilities(void) {
    return ads_found() ? CAPABILITY_LEAD_OFF : 0U;
}

/* The supply has the board's own converter for itself. */
bool sampling_runs(void) {
    return false;
}

bool sampling_supply(uint16_t *code) {
    *code = 0U;
    return false;
}

#endif
