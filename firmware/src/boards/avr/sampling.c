/* Sampling: compare B of the free-running timer 1 starts each conversion, so that no interrupt's delay reaches the
   sampling instant. When a conversion is done its interrupt reads it, sets the input of the next one and its time. */
#include "avr.h"
#include "pins.h"

#define ADC_MIDDLE 512
#define REFERENCE_AVCC _BV(REFS0)
#define TRIGGER_TIMER1_COMPARE_B (_BV(ADTS2) | _BV(ADTS0))
#define CLOCK_BY_64 (_BV(ADPS2) | _BV(ADPS1))          /* a conversion takes 54 us */
#define CLOCK_BY_32 (_BV(ADPS2) | _BV(ADPS0))          /* 27 us, a bit less exact */
#define SLOT_SLOW_MIN_TICKS 150U  /* conversion, worst interrupt delay and the interrupt itself: 75 us */
#define SLOT_MAX_TICKS 250U       /* channels of one sample lie at most 125 us apart */
#define START_DELAY_TICKS 100U
#define MISSED_TICKS 400U         /* so long after a trigger its interrupt has come, or it is lost */

struct emg_buffer board_emg;

static struct slot {
    uint8_t mux;
    uint16_t ticks;                /* to the next conversion */
} slots[EMG_INPUTS];
static const struct slot *slot;    /* of the conversion that comes next */
static uint8_t channels;
static uint8_t channels_left;      /* of this sample */

/* Running it clears its flag, and only a new flag starts the next conversion. */
EMPTY_INTERRUPT(TIMER1_COMPB_vect)

ISR(ADC_vect) {
    const struct slot *following = slot;
    ADMUX = following->mux;
    OCR1B = (uint16_t)(OCR1B + following->ticks);
    int16_t value = (int16_t)(ADC - ADC_MIDDLE);
    sei(); /* the rest is in no hurry, the servos' and the line's interrupts are */
    slot = following + 1;
    emg_value(&board_emg, value);
    if (--channels_left == 0U) {
        channels_left = channels;
        slot = slots;
        if (emg_sample_done(&board_emg)) {
            WAKE_BITS |= WAKE_EMG;
        }
    }
}

void sampling_init(void) {
    ADMUX = REFERENCE_AVCC;
    ADCSRB = TRIGGER_TIMER1_COMPARE_B;
    ADCSRA = _BV(ADEN) | CLOCK_BY_64 | _BV(ADSC); /* the first conversion takes twice as long: have it over with */
}

static void plan(const struct config *config, uint16_t slot_ticks) {
    uint16_t mask = (uint16_t)config->channel_mask; /* there are no inputs beyond */
    uint8_t first = 0U;
    channels = 0U;
    for (uint8_t input = 0; input < EMG_INPUTS; input++) {
        if ((mask & (1U << input)) == 0U) {
            continue;
        }
        if (channels == 0U) {
            first = input;
        } else {
            slots[channels - 1U] = (struct slot){(uint8_t)(REFERENCE_AVCC | input), slot_ticks};
        }
        channels++;
    }
    uint16_t rest = (uint16_t)(config->sample_period_ticks - slot_ticks * (channels - 1U));
    slots[channels - 1U] = (struct slot){(uint8_t)(REFERENCE_AVCC | first), rest};
    channels_left = channels;
    slot = slots;
    ADMUX = (uint8_t)(REFERENCE_AVCC | first);
}

void board_sampling_start(const struct config *config) {
    board_sampling_stop();
    uint16_t slot_ticks = config->sample_period_ticks / channel_count(config->channel_mask);
    bool fast = slot_ticks < SLOT_SLOW_MIN_TICKS;
    plan(config, slot_ticks < SLOT_MAX_TICKS ? slot_ticks : SLOT_MAX_TICKS);
    emg_reset(&board_emg, config->samples_per_frame, channels);
    uint8_t status = lock();
    OCR1B = (uint16_t)(TCNT1 + START_DELAY_TICKS);
    TIFR1 = _BV(OCF1B); /* set long since: only a flag that rises starts a conversion */
    TIMSK1 |= _BV(OCIE1B);
    ADCSRA = (uint8_t)(_BV(ADEN) | _BV(ADATE) | _BV(ADIE) | _BV(ADIF) | (fast ? CLOCK_BY_32 : CLOCK_BY_64));
    unlock(status);
}

void board_sampling_stop(void) {
    uint8_t status = lock();
    ADCSRA = _BV(ADEN) | CLOCK_BY_64;
    TIMSK1 &= (uint8_t)~_BV(OCIE1B);
    unlock(status);
}

/* The interrupt came too late to set the next trigger in time: that would come a whole turn of the timer later. */
static void restart_trigger(void) {
    uint8_t status = lock();
    OCR1B = (uint16_t)(TCNT1 + START_DELAY_TICKS);
    emg_lost(&board_emg);
    unlock(status);
}

uint16_t board_samples(void) {
    uint8_t status = lock();
    uint16_t samples = emg_samples(&board_emg);
    uint16_t trigger = OCR1B;
    uint16_t now = TCNT1;
    unlock(status);
    uint16_t since_trigger = (uint16_t)(now - trigger);
    if (since_trigger > MISSED_TICKS && since_trigger < 0x8000U) {
        restart_trigger();
    }
    return samples;
}
