/*
 * The ADC as in silicon, in place of simavr's: conversions started by software or by a timer's flag, the input
 * chosen at the start, held 1.5 (software) or 2 (trigger) ADC clocks later, ready after 13 or 13.5 (25 for the
 * first). ATmega2560 datasheet, "Prescaling and Conversion Timing".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#define TRIGGER_SYNC_CYCLES 3

/* Half ADC clocks from start to hold and to ready. */
enum { FIRST_HOLD = 27, FIRST_DONE = 50, SOFT_HOLD = 3, SOFT_DONE = 26, TRIGGER_HOLD = 4, TRIGGER_DONE = 27 };

static bool enabled(const machine_t *m, avr_regbit_t bit) { return avr_regbit_get(m->avr, bit) != 0; }

static uint64_t clock_cycles(const machine_t *m) {
    unsigned shift = avr_regbit_get_array(m->avr, m->adc.io->adps, 3);
    return 1ull << (shift > 0 ? shift : 1);
}

static avr_adts_type trigger_source(const machine_t *m) {
    const adc_t *adc = &m->adc;
    if (!enabled(m, adc->io->adate)) {
        return avr_adts_none;
    }
    return adc->io->adts_op[avr_regbit_get_array(m->avr, adc->io->adts, 3)];
}

static void start(machine_t *m, uint64_t at, bool by_trigger) {
    adc_t *adc = &m->adc;
    uint64_t half_clock = clock_cycles(m) / 2;
    avr_adc_mux_t mux = adc->io->muxmode[avr_regbit_get_array(m->avr, adc->io->mux, 6)];
    adc->input = mux.kind == ADC_MUX_SINGLE ? mux.src : INPUT_COUNT;
    adc->converting = true;
    adc->triggered = by_trigger || trigger_source(m) == avr_adts_free_running;
    avr_regbit_set(m->avr, adc->io->adsc);
    if (by_trigger) { /* resets the prescaler, so the delay is always the same */
        at += TRIGGER_SYNC_CYCLES;
    } else { /* waits for the running prescaler */
        uint64_t phase = (at - adc->enabled_at) % (2 * half_clock);
        at += phase ? 2 * half_clock - phase : 0;
    }
    unsigned hold = adc->first ? FIRST_HOLD : by_trigger ? TRIGGER_HOLD : SOFT_HOLD;
    unsigned done = adc->first ? FIRST_DONE : by_trigger ? TRIGGER_DONE : SOFT_DONE;
    adc->first = false;
    adc->hold_due = at + hold * half_clock;
    adc->done_due = adc->stalled ? NEVER : at + done * half_clock;
    machine_schedule(m);
}

static void hold(machine_t *m) {
    adc_t *adc = &m->adc;
    adc->code = adc->input < INPUT_COUNT ? emg_code(m, adc->input, adc->triggered) : 0;
    if (adc->input < INPUT_COUNT && adc->triggered && emg_row_ends(m, adc->input)) {
        record_event(m, EVENT_SAMPLE, adc->hold_due, adc->input, adc->code);
        stats_sample(m, adc->input, adc->hold_due);
    }
    adc->hold_due = NEVER;
}

static void done(machine_t *m) {
    adc_t *adc = &m->adc;
    uint64_t when = adc->done_due;
    adc->done_due = NEVER;
    adc->converting = false;
    adc->conversions++;
    if (adc->locked) {
        adc->lost_results++;
    } else {
        adc->result = (uint16_t)(enabled(m, adc->io->adlar) ? adc->code << 6 : adc->code);
    }
    avr_regbit_clear(m->avr, adc->io->adsc);
    avr_raise_interrupt(m->avr, &adc->io->adc);
    if (trigger_source(m) == avr_adts_free_running) {
        start(m, when, false);
    }
}

void adc_fire(machine_t *m) {
    if (m->adc.hold_due <= m->avr->cycle) {
        hold(m);
    }
    if (m->adc.done_due <= m->avr->cycle) {
        done(m);
    }
}

void adc_stall(machine_t *m, bool stalled) {
    adc_t *adc = &m->adc;
    adc->stalled = stalled;
    if (stalled) {
        adc->done_due = NEVER;
    } else if (adc->converting) {
        adc->done_due = m->avr->cycle + SOFT_DONE * clock_cycles(m) / 2;
    }
    machine_schedule(m);
}

/* A timer's flag rose. Only a rising edge triggers: a flag that nobody clears triggers once. */
static void on_trigger(struct avr_irq_t *irq, uint32_t raised, void *param) {
    adc_trigger_t *trigger = param;
    machine_t *m = trigger->machine;
    if (!raised || irq->value || trigger_source(m) != trigger->source || !enabled(m, m->adc.io->aden)) {
        return;
    }
    if (m->adc.converting) {
        m->adc.ignored_triggers++;
    } else {
        start(m, timers_exact_cycle(m, trigger->vector), true);
    }
}

static void write_adcsra(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    machine_t *m = param;
    adc_t *adc = &m->adc;
    bool was_enabled = enabled(m, adc->io->aden);
    bool was_triggered = enabled(m, adc->io->adate);
    uint8_t start_bit = (uint8_t)(1u << adc->io->adsc.bit);
    uint8_t flag = (uint8_t)(1u << adc->io->adc.raised.bit);
    uint8_t kept = avr->data[addr] & (flag | start_bit);
    avr->data[addr] = (value & (uint8_t) ~(flag | start_bit)) | kept;
    if (value & flag) { /* cleared by writing one, as any read-modify-write does */
        avr_clear_interrupt(avr, &adc->io->adc);
    }
    if ((avr->data[addr] & flag) && enabled(m, adc->io->adc.enable)) {
        avr_raise_interrupt(avr, &adc->io->adc);
    }
    if (!enabled(m, adc->io->aden)) {
        adc_reset(m);
        avr->data[addr] &= (uint8_t)~start_bit;
    } else if (!was_enabled) {
        adc->first = true;
        adc->enabled_at = avr->cycle;
    }
    if (!was_triggered && enabled(m, adc->io->adate)) {
        emg_restart(m);
    }
    if ((value & start_bit) && enabled(m, adc->io->aden) && !adc->converting) {
        start(m, avr->cycle, false);
    }
}

static uint8_t read_adcl(struct avr_t *avr, avr_io_addr_t addr, void *param) {
    adc_t *adc = &((machine_t *)param)->adc;
    (void)avr, (void)addr;
    adc->locked = true; /* until ADCH is read */
    return (uint8_t)adc->result;
}

static uint8_t read_adch(struct avr_t *avr, avr_io_addr_t addr, void *param) {
    adc_t *adc = &((machine_t *)param)->adc;
    (void)avr, (void)addr;
    adc->locked = false;
    return (uint8_t)(adc->result >> 8);
}

static void write_plain(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    (void)param;
    avr->data[addr] = value;
}

static void ignore(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    (void)avr, (void)addr, (void)value, (void)param;
}

void adc_attach(machine_t *m) {
    adc_t *adc = &m->adc;
    adc->io = (avr_adc_t *)machine_find_io(m, "adc", 0);
    machine_hook(m, adc->io->r_adcsra, NULL, write_adcsra);
    machine_hook(m, adc->io->r_adcsrb, NULL, write_plain);
    machine_hook(m, adc->io->r_adcl, read_adcl, ignore);
    machine_hook(m, adc->io->r_adch, read_adch, ignore);
    for (unsigned i = 0; i < TRIGGER_COUNT; i++) {
        adc_trigger_t *trigger = &adc->triggers[i];
        trigger->machine = m;
        timers_trigger(m, i, trigger);
        avr_irq_register_notify(trigger->vector->irq + AVR_INT_IRQ_PENDING, on_trigger, trigger);
    }
}

void adc_reset(machine_t *m) {
    m->adc.hold_due = m->adc.done_due = NEVER;
    m->adc.converting = m->adc.locked = false;
    machine_schedule(m);
}
