/* Sampling: compare B of the free-running timer 1 starts each conversion, so that no interrupt's delay reaches the
   sampling instant. When a conversion is done its interrupt reads it, sets the input of the next one and its time. */
#include "avr.h"
#include "pins.h"

#define ADC_MIDDLE 512
#define REFERENCE_AVCC _BV(REFS0)
#define TRIGGER_TIMER1_COMPARE_B (_BV(ADTS2) | _BV(ADTS0))
#define ADC_ON (_BV(ADEN) | _BV(ADPS2) | _BV(ADPS1)) /* clock / 64: a conversion takes 54 us */
#define ADC_FAST _BV(ADPS0)                           /* clears to / 32: 27 us, a bit less exact */
#define SLOT_SLOW_MIN_TICKS 150U                      /* conversion, worst interrupt delay, interrupt: 75 us */
#define SLOT_MAX_TICKS 250U                           /* channels of one sample lie at most 125 us apart */

struct emg_buffer board_emg;

static uint8_t mux[EMG_INPUTS];
static uint16_t slot_ticks[2]; /* to the next channel; from the last channel to the first */
static uint8_t channels;
static uint8_t channel;        /* being converted */

/* Running it clears its flag, and only a new flag starts the next conversion. */
EMPTY_INTERRUPT(TIMER1_COMPB_vect)

ISR(ADC_vect) {
    emg_value(&board_emg, (int16_t)(ADC - ADC_MIDDLE));
    uint16_t step = slot_ticks[0];
    uint8_t following = (uint8_t)(channel + 1U);
    if (following == channels) {
        following = 0U;
        step = slot_ticks[1];
    }
    channel = following;
    ADMUX = mux[following];
    uint16_t when = (uint16_t)(OCR1B + step);
    if ((int16_t)(when - TCNT1) <= 0) {
        when = (uint16_t)(TCNT1 + step); /* far too late: without this the next one would come a whole turn later */
        board_emg.overrun = true;
    }
    OCR1B = when;
    if (following == 0U && emg_sample_done(&board_emg)) {
        WAKE_BITS |= WAKE_EMG;
    }
}

void sampling_init(void) {
    ADMUX = REFERENCE_AVCC;
    ADCSRB = TRIGGER_TIMER1_COMPARE_B;
    ADCSRA = ADC_ON | _BV(ADSC); /* the first conversion takes twice as long: have it over with */
}

void board_sampling_start(const struct config *config) {
    board_sampling_stop();
    channels = 0U;
    for (uint8_t input = 0; input < EMG_INPUTS; input++) {
        if ((config->channel_mask & (1U << input)) != 0U) {
            mux[channels++] = (uint8_t)(REFERENCE_AVCC | input);
        }
    }
    uint16_t slot = config->sample_period_ticks / channels;
    slot_ticks[0] = slot < SLOT_MAX_TICKS ? slot : SLOT_MAX_TICKS;
    slot_ticks[1] = (uint16_t)(config->sample_period_ticks - slot_ticks[0] * (channels - 1U));
    emg_reset(&board_emg, config->samples_per_frame);
    channel = 0U;
    ADMUX = mux[0];
    uint8_t speed = slot < SLOT_SLOW_MIN_TICKS ? (uint8_t)((ADC_ON & ~_BV(ADPS1)) | ADC_FAST) : ADC_ON;
    uint8_t status = lock();
    OCR1B = (uint16_t)(TCNT1 + slot);
    TIFR1 = _BV(OCF1B);
    TIMSK1 |= _BV(OCIE1B);
    ADCSRA = (uint8_t)(speed | _BV(ADATE) | _BV(ADIE) | _BV(ADIF));
    unlock(status);
}

void board_sampling_stop(void) {
    uint8_t status = lock();
    ADCSRA = ADC_ON;
    TIMSK1 &= (uint8_t)~_BV(OCIE1B);
    unlock(status);
}

uint16_t board_samples(void) {
    uint8_t status = lock();
    uint16_t samples = board_emg.samples;
    unlock(status);
    return samples;
}
