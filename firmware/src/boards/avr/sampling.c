/* Sampling: compare B of the free-running timer 1 starts each conversion, so that no interrupt's delay reaches the
   sampling instant. When a conversion is done its interrupt reads it, sets the input of the next one and its time.
   A sample is the sum of `oversampling` rounds over its channels, each beginning in the middle of the range.
   After the last channel of a sample there is always room for one more conversion: now and then it is the servo supply's.
   Nothing here waits for ever: a converter that stalls is a supply that is not measured, and a FAULT once it should sample. */
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
#define CONVERSION_MAX_TICKS 400U /* 200 us: the first conversion takes 104 us, every other one 54 us */

struct emg_buffer board_emg;

/* What is set when a conversion is done: the next one's input, and the time to it. */
struct slot {
    uint8_t mux;
#ifdef MUX5
    uint8_t group; /* of inputs: the Mega has two */
#endif
    uint16_t ticks;
};

static struct slot round_slots[EMG_INPUTS];        /* of a round; the last one leads to the next round of the sample */
static struct slot slots[EMG_INPUTS];              /* of a sample's last round; the last one leads to the next sample */
static struct slot supply_slots[EMG_INPUTS + 1U];  /* the same with the supply after it, up to the end of the array */
#define FROM_SUPPLY (&supply_slots[EMG_INPUTS])
static const struct slot *volatile slot;           /* of the conversion that is under way; no register is held for it */
static const struct slot *with_supply;             /* where a sample begins in supply_slots */
static const struct slot *volatile next_sample;    /* slots, or with_supply until the supply has been converted */
static uint8_t channels;
static uint8_t channels_left;                      /* of this round */
static uint8_t rounds;
static uint8_t rounds_left;                        /* of this sample, with this one */
static bool later_round;                           /* its values are added to those of the first */
static uint16_t round_bytes;                       /* of values */
static volatile uint16_t supply_code;
static bool supply_asked;

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

/* Of a sample of more than one. True: another round follows. */
static inline bool round_follows(void) {
    if (--rounds_left == 0U) {
        rounds_left = rounds;
        later_round = false;
        return false;
    }
    later_round = true;
    slot = rounds_left == 1U ? next_sample : round_slots;
    emg_again(&board_emg, round_bytes);
    return true;
}

ISR(ADC_vect) {
    const struct slot *following = slot;
    select_input(following);
    TIFR1 = _BV(OCF1B); /* only a flag that rises starts the next conversion */
    OCR1B = (uint16_t)(OCR1B + following->ticks);
    uint16_t code = ADC;
    sei(); /* the rest is in no hurry, the servos' and the line's interrupts are */
    if (following == FROM_SUPPLY) {
        supply_code = code;
        next_sample = slots;
        slot = rounds == 1U ? slots : round_slots;
        return;
    }
    slot = following + 1;
    int16_t value = (int16_t)(code - ADC_MIDDLE);
    if (later_round) {
        emg_add(&board_emg, value);
    } else {
        emg_value(&board_emg, value);
    }
    if (--channels_left == 0U) {
        channels_left = channels;
        if (rounds != 1U && round_follows()) {
            return;
        }
        if (slot != FROM_SUPPLY) {
            slot = rounds == 1U ? next_sample : round_slots;
        }
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

static uint8_t conversions(const struct config *config) { /* of a sample */
    return (uint8_t)(channel_count(config->channel_mask) * config->oversampling);
}

static void plan(const struct config *config, uint16_t slot_ticks) {
    uint16_t mask = (uint16_t)config->channel_mask; /* there are no inputs beyond */
    channels = channel_count(mask);
    rounds = config->oversampling;
    rounds_left = rounds;
    later_round = false;
    round_bytes = 2U * channels;
    struct slot *supplied = &supply_slots[EMG_INPUTS - channels];
    uint8_t first = 0U;
    uint8_t count = 0U;
    for (uint8_t input = 0; input < EMG_INPUTS; input++) {
        if ((mask & (1U << input)) == 0U) {
            continue;
        }
        if (count == 0U) {
            first = input;
        } else {
            slots[count - 1U] = slot_of(input, slot_ticks);
            supplied[count - 1U] = slots[count - 1U];
            round_slots[count - 1U] = slots[count - 1U];
        }
        count++;
    }
    uint16_t rest = (uint16_t)(config->sample_period_ticks - slot_ticks * (conversions(config) - 1U));
    round_slots[channels - 1U] = slot_of(first, slot_ticks);
    slots[channels - 1U] = slot_of(first, rest);
    supplied[channels - 1U] = slot_of(SUPPLY_INPUT, slot_ticks);
    *FROM_SUPPLY = slot_of(first, (uint16_t)(rest - slot_ticks));
    with_supply = supplied;
    channels_left = channels;
    next_sample = slots;
    slot = rounds == 1U ? slots : round_slots;
    select_input(&slots[channels - 1U]);
}

/* Waits until no conversion runs. False: the converter has stalled. */
static bool converter_idle(void) {
    uint16_t began = board_stopwatch_half_us();
    while ((ADCSRA & _BV(ADSC)) != 0U) {
        if ((uint16_t)(board_stopwatch_half_us() - began) > CONVERSION_MAX_TICKS) {
            return false;
        }
    }
    return true;
}

void board_sampling_start(const struct config *config) {
    board_sampling_stop();
    (void)converter_idle(); /* the supply's conversion; if it never ends, no sample comes, which is a FAULT */
    uint16_t slot_ticks = config->sample_period_ticks / (conversions(config) + 1U);
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
    unlock(status);
}

static void convert_supply(void) {
    struct slot supply = slot_of(SUPPLY_INPUT, 0U);
    select_input(&supply);
    ADCSRA |= _BV(ADSC);
}

bool sampling_supply_now(uint16_t *code) {
    if (!converter_idle()) {
        return false;
    }
    convert_supply();
    if (!converter_idle()) {
        return false;
    }
    *code = ADC;
    return true;
}

/* Locked by the caller. */
static bool supply_after_sample(uint16_t *code) {
    if (next_sample != slots) {
        return false;
    }
    *code = supply_code;
    next_sample = with_supply;
    return true;
}

static bool supply_by_software(uint16_t *code) {
    if (supply_asked && (ADCSRA & _BV(ADSC)) != 0U) {
        return false;
    }
    *code = ADC;
    convert_supply();
    return true;
}

bool sampling_supply(uint16_t *code) {
    uint8_t status = lock();
    bool was_asked = supply_asked;
    bool sampling = (ADCSRA & _BV(ADATE)) != 0U;
    bool asked = sampling ? supply_after_sample(code) : supply_by_software(code);
    supply_asked = was_asked || asked;
    unlock(status);
    return was_asked && asked;
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
