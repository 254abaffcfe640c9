/* Sampling: the converter runs free, paced by its own divider, round robin over the inputs, ROUNDS times a sample. No
   interrupt's delay reaches a sampling instant. A sample is the mean of its last `oversampling` rounds, in quarters of the
   converter's step: 14 bits. Which of them carry signal is a matter of the converter (README.md, Bits).
   Nothing here waits for ever: a converter that stalls is a FAULT once it should sample. */
#include <assert.h>

#include "rp2.h"
#include "pins.h"

#ifndef ADS_DRDY_PIN

#define INPUTS 4U
#define ROUNDS 16U            /* conversions of an input in each sample period, whatever the CONFIG averages */
#define FIFO_AT 2U            /* of 4 places: the interrupt may come two conversions late */
#define CODE_BITS 12U
#define SAMPLE_BITS 14U
#define SCALE_SHIFT 16U
#define ADC_CLOCKS_PER_TICK (ADC_HZ / 2000000UL)

static_assert(EMG_INPUTS <= INPUTS && SUPPLY_INPUT < INPUTS, "the converter has four inputs on pins");

static uint32_t sums[INPUTS];    /* of a round's places, in rising order of inputs */
static uint8_t places;
static uint8_t channels;         /* of them the first; the supply's comes last where the EMG leaves it out */
static uint8_t place;
static uint8_t rounds_left;
static uint8_t oversampling;
static uint32_t scale;           /* a sum's to the sample, 2^16 times */
static uint32_t running;         /* ADC_CS while it samples; 0: it does not */
static uint8_t supply_place;
static volatile uint16_t supply_code;
static volatile bool supply_new;

static void clear_sums(void) {
    for (uint8_t i = 0; i < INPUTS; i++) {
        sums[i] = 0U;
    }
}

static void begin(void) {
    clear_sums();
    ADC_CS = running & ~ADC_CS_START_MANY;
    (void)adc_ready();
    ADC_FCS = ADC_FCS_ENABLE | ADC_FCS_INTERRUPT_AT(FIFO_AT) | ADC_FCS_ERRORS;
    while (ADC_FCS_LEVEL(ADC_FCS) != 0U) {
        (void)ADC_FIFO;
    }
    place = 0U;
    rounds_left = ROUNDS;
    ADC_CS = running;
}

static void finish_sample(void) {
    for (uint8_t i = 0; i < channels; i++) {
        uint32_t value = (sums[i] * scale) >> SCALE_SHIFT;
        emg_value(&board_emg, (int16_t)((int32_t)value - (1 << (SAMPLE_BITS - 1U))));
    }
    supply_code = (uint16_t)(((sums[supply_place] * scale) >> SCALE_SHIFT) >> (SAMPLE_BITS - CODE_BITS));
    supply_new = true;
    if (emg_sample_done(&board_emg)) {
        wake_up(WAKE_EMG);
    }
}

static void finish_round(void) {
    place = 0U;
    rounds_left--;
    if (rounds_left == 0U) {
        rounds_left = ROUNDS;
        finish_sample();
    }
    if (rounds_left == oversampling) { /* the rounds before do not count */
        clear_sums();
    }
}

void adc_isr(void);
void adc_isr(void) {
    uint32_t fcs = ADC_FCS;
    if ((fcs & ADC_FCS_OVERFLOW) != 0U) { /* which value is whose is no longer known */
        emg_lost(&board_emg);
        begin();
        return;
    }
    for (uint32_t waiting = ADC_FCS_LEVEL(fcs); waiting != 0U; waiting--) {
        sums[place] += ADC_FIFO & 0xFFFU;
        place++;
        if (place == places) {
            finish_round();
        }
    }
}

void sampling_init(void) {
    for (uint8_t i = 0; i < EMG_INPUTS; i++) {
        adc_pin(i);
    }
}

uint16_t sampling_capabilities(void) {
    return 0U;
}

void board_sampling_start(const struct config *config) {
    board_sampling_stop();
    uint32_t mask = (uint32_t)config->channel_mask;
    uint32_t all = mask | (supply_fitted() ? BIT(SUPPLY_INPUT) : 0U);
    uint8_t first = 0U;
    while ((all & BIT(first)) == 0U) {
        first++;
    }
    channels = channel_count(mask);
    places = channel_count(all);
    supply_place = (uint8_t)(places - 1U);
    oversampling = config->oversampling;
    scale = (BIT(SAMPLE_BITS - CODE_BITS) << SCALE_SHIFT) / oversampling;
    emg_reset(&board_emg, config->samples_per_frame, channels);
    ADC_DIV = config->sample_period_ticks * ADC_CLOCKS_PER_TICK * 256U / (places * ROUNDS) - 256U; /* 4.9.2.2: and one more */
    running = ADC_CS_ENABLE | ADC_CS_START_MANY | ADC_CS_INPUT(first) | ADC_CS_ROUND_ROBIN(all);
    begin();
    ADC_INTE = BIT(0);
    NVIC_ENABLE = BIT(IRQ_ADC);
}

void board_sampling_stop(void) {
    ADC_INTE = 0U;
    ADC_CS = ADC_CS_ENABLE;
    ADC_FCS = 0U;
    running = 0U;
    supply_new = false;
}

bool sampling_runs(void) {
    return running != 0U;
}

bool sampling_supply(uint16_t *code) {
    uint32_t mask = lock();
    bool is_new = supply_new;
    supply_new = false;
    *code = supply_code;
    unlock(mask);
    return is_new;
}

#endif
