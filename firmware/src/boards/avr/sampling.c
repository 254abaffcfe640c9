/* Sampling: compare B of the free-running timer 1 starts each conversion, so that no interrupt's delay reaches the
   sampling instant. When a conversion is done its interrupt reads it, sets the input of the next one and its time.
   After the last channel of a sample there is always room for one more conversion: now and then it is the servo supply's. */
#include "avr.h"
#include "pins.h"

#ifdef MUX5
#define DIGITAL_OFF 0xFF
#else
#define DIGITAL_OFF (_BV(SUPPLY_INPUT) | ((1 << EMG_INPUTS) - 1))
#endif
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

/* What is set when a conversion is done: the next one's input, and the time to it. */
struct slot {
    uint8_t mux;
#ifdef MUX5
    uint8_t group; /* of inputs: the Mega has two */
#endif
    uint16_t ticks;
};

static struct slot slots[EMG_INPUTS]; /* the last one leads to the next sample, or to the supply */
static struct slot to_first;
static struct slot to_supply;
static struct slot from_supply;
static const struct slot *slot;                  /* of the conversion that is under way */
static const struct slot *volatile after_sample; /* slots, or from_supply if the supply is to be converted */
static uint8_t channels;
static uint8_t channels_left;                    /* of this sample */
static uint16_t supply_code;
static volatile bool supply_fresh;
static bool supply_asked;                        /* of software, while nothing is sampled */

static struct slot slot_of(uint8_t input, uint16_t ticks) {
    struct slot s = {.mux = (uint8_t)(REFERENCE_AVCC | (input & 7U)), .ticks = ticks};
#ifdef MUX5
    s.group = (uint8_t)(TRIGGER_TIMER1_COMPARE_B | (input >= 8U ? _BV(MUX5) : 0));
#endif
    return s;
}

static inline void select_input(const struct slot *s) {
    ADMUX = s->mux;
#ifdef MUX5
    ADCSRB = s->group;
#endif
}

/* Runs once in many samples. */
static void take_supply(uint16_t code) {
    supply_code = code;
    supply_fresh = true;
    slots[channels - 1U] = to_first;
    after_sample = slots;
    slot = slots;
}

ISR(ADC_vect) {
    const struct slot *following = slot;
    select_input(following);
    TIFR1 = _BV(OCF1B); /* only a flag that rises starts the next conversion */
    OCR1B = (uint16_t)(OCR1B + following->ticks);
    uint16_t code = ADC;
    sei(); /* the rest is in no hurry, the servos' and the line's interrupts are */
    if (following == &from_supply) {
        take_supply(code);
        return;
    }
    int16_t value = (int16_t)(code - ADC_MIDDLE);
    slot = following + 1;
    emg_value(&board_emg, value);
    if (--channels_left == 0U) {
        channels_left = channels;
        slot = after_sample;
        if (emg_sample_done(&board_emg)) {
            WAKE_BITS |= WAKE_EMG;
        }
    }
}

void sampling_init(void) {
    DIDR0 = DIGITAL_OFF; /* no digital input buffer on what is analogue */
#ifdef MUX5
    DIDR2 = _BV(SUPPLY_INPUT - 8);
#endif
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
            slots[channels - 1U] = slot_of(input, slot_ticks);
        }
        channels++;
    }
    uint16_t rest = (uint16_t)(config->sample_period_ticks - slot_ticks * (channels - 1U));
    to_first = slot_of(first, rest);
    to_supply = slot_of(SUPPLY_INPUT, slot_ticks);
    from_supply = slot_of(first, (uint16_t)(rest - slot_ticks));
    slots[channels - 1U] = to_first;
    channels_left = channels;
    slot = slots;
    after_sample = slots;
    select_input(&to_first);
}

void board_sampling_start(const struct config *config) {
    board_sampling_stop();
    while ((ADCSRA & _BV(ADSC)) != 0U) {
        /* the supply's conversion ends within 60 us */
    }
    uint16_t slot_ticks = config->sample_period_ticks / (channel_count(config->channel_mask) + 1U);
    bool fast = slot_ticks < SLOT_SLOW_MIN_TICKS;
    plan(config, slot_ticks < SLOT_MAX_TICKS ? slot_ticks : SLOT_MAX_TICKS);
    emg_reset(&board_emg, config->samples_per_frame, channels);
    uint8_t status = lock();
    OCR1B = (uint16_t)(TCNT1 + START_DELAY_TICKS);
    TIFR1 = _BV(OCF1B); /* set long since: only a flag that rises starts a conversion */
    ADCSRA = (uint8_t)(_BV(ADEN) | _BV(ADATE) | _BV(ADIE) | _BV(ADIF) | (fast ? CLOCK_BY_32 : CLOCK_BY_64));
    unlock(status);
}

void board_sampling_stop(void) {
    uint8_t status = lock();
    ADCSRA = _BV(ADEN) | CLOCK_BY_64;
    supply_asked = false;
    supply_fresh = false;
    unlock(status);
}

/* Locked by the caller. */
static bool supply_after_sample(uint16_t *code) {
    bool fresh = supply_fresh;
    if (after_sample == slots) {
        *code = supply_code;
        supply_fresh = false;
        slots[channels - 1U] = to_supply;
        after_sample = &from_supply;
    }
    return fresh;
}

static bool supply_by_software(uint16_t *code) {
    bool done = supply_asked && (ADCSRA & _BV(ADSC)) == 0U;
    if (done || !supply_asked) {
        struct slot supply = slot_of(SUPPLY_INPUT, 0U);
        *code = ADC;
        select_input(&supply);
        ADCSRA |= _BV(ADSC);
        supply_asked = true;
    }
    return done;
}

bool sampling_supply(uint16_t *code) {
    uint8_t status = lock();
    bool sampling = (ADCSRA & _BV(ADATE)) != 0U;
    bool fresh = sampling ? supply_after_sample(code) : supply_by_software(code);
    unlock(status);
    return fresh;
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
