/*
 * What simavr's timers lack: writing a flag register clears only the flags written, compare registers are
 * double-buffered in PWM modes (a new width counts from the next period), 16-bit ones through a shared
 * temporary byte, and the exact cycle of a match (simavr tells it at the end of the running instruction).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

static void clear_if_written(struct avr_t *avr, avr_int_vector_t *vector, avr_io_addr_t addr, uint8_t value) {
    if (vector->raised.reg == addr && avr_regbit_from_value(avr, vector->raised, value)) {
        avr_clear_interrupt(avr, vector);
    }
}

static void write_tifr(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    timer_model_t *timer = param;
    clear_if_written(avr, &timer->io->overflow, addr, value);
    clear_if_written(avr, &timer->io->icr, addr, value);
    for (unsigned i = 0; i < COMPARE_COUNT; i++) {
        clear_if_written(avr, &timer->io->comp[i].interrupt, addr, value);
    }
}

static bool is_pwm(const timer_model_t *timer) {
    int kind = timer->io->wgm_op_mode_kind;
    return kind == avr_timer_wgm_fast_pwm || kind == avr_timer_wgm_pwm || kind == avr_timer_wgm_fc_pwm;
}

static void store(const compare_t *compare) {
    uint8_t *data = compare->timer->machine->avr->data;
    if (compare->io->r_ocrh) {
        data[compare->io->r_ocrh] = (uint8_t)(compare->buffer >> 8);
    }
    data[compare->io->r_ocr] = (uint8_t)compare->buffer;
}

static void apply_at_once(const compare_t *compare) {
    avr_t *avr = compare->timer->machine->avr;
    store(compare);
    avr->data[compare->io->r_ocr] = (uint8_t)~compare->buffer; /* simavr ignores a write that changes nothing */
    compare->timer->simavr_write_ocr(avr, compare->io->r_ocr, (uint8_t)compare->buffer, compare->io);
}

static void write_ocrh(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    (void)avr, (void)addr;
    ((timer_model_t *)param)->temp = value;
}

static void write_ocrl(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    compare_t *compare = param;
    (void)avr, (void)addr;
    compare->buffer = (uint16_t)(compare->timer->temp << 8 | value);
    if (is_pwm(compare->timer)) {
        compare->buffered = true;
    } else {
        apply_at_once(compare);
    }
}

/* simavr tells this before it plans the new period's matches. */
static void on_overflow(struct avr_irq_t *irq, uint32_t raised, void *param) {
    timer_model_t *timer = param;
    (void)irq;
    for (unsigned i = 0; raised && i < COMPARE_COUNT; i++) {
        compare_t *compare = &timer->compares[i];
        if (compare->buffered) {
            bool matches = compare->buffer <= timer->io->tov_top;
            store(compare);
            compare->io->comp_cycles = matches ? timer->io->cs_div_value * (compare->buffer + 1U) : 0;
            compare->buffered = false;
        }
    }
}

static uint64_t match_cycle(const avr_timer_t *io, const avr_timer_comp_t *compare) {
    return io->tov_base + (compare->comp_cycles < io->tov_cycles ? compare->comp_cycles : 0);
}

/* When the flag of `vector` rose, asked while simavr raises it; now, if it is not a timer's. */
uint64_t timers_exact_cycle(const machine_t *m, const avr_int_vector_t *vector) {
    for (unsigned t = 0; t < m->timer_count; t++) {
        const avr_timer_t *io = m->timers[t].io;
        if (vector == &io->overflow) {
            return io->tov_base + io->tov_cycles;
        }
        for (unsigned i = 0; i < COMPARE_COUNT; i++) {
            if (vector == &io->comp[i].interrupt) {
                return match_cycle(io, &io->comp[i]);
            }
        }
    }
    return m->avr->cycle;
}

static void attach_compare(timer_model_t *timer, unsigned i) {
    machine_t *m = timer->machine;
    avr_timer_comp_t *io = &timer->io->comp[i];
    timer->compares[i].timer = timer;
    timer->compares[i].io = io;
    if (io->r_ocr) {
        write_hook_t old = machine_swap_write(m, io->r_ocr, (write_hook_t){write_ocrl, &timer->compares[i]});
        timer->simavr_write_ocr = old.call;
    }
    if (io->r_ocrh) {
        machine_swap_write(m, io->r_ocrh, (write_hook_t){write_ocrh, timer});
    }
}

void timers_attach(machine_t *m) {
    avr_io_t *io;
    while (m->timer_count < TIMER_COUNT && (io = machine_find_io(m, "timer", m->timer_count)) != NULL) {
        timer_model_t *timer = &m->timers[m->timer_count++];
        timer->machine = m;
        timer->io = (avr_timer_t *)io;
        machine_swap_write(m, timer->io->overflow.raised.reg, (write_hook_t){write_tifr, timer});
        avr_irq_register_notify(timer->io->overflow.irq + AVR_INT_IRQ_PENDING, on_overflow, timer);
        for (unsigned i = 0; i < COMPARE_COUNT; i++) {
            attach_compare(timer, i);
        }
    }
}

void timers_reset(machine_t *m) {
    for (unsigned t = 0; t < m->timer_count; t++) {
        timer_model_t *timer = &m->timers[t];
        timer->temp = 0;
        timer->io->cs_div_value = 0; /* simavr keeps the old clock and mode over a reset */
        timer->io->mode = timer->io->wgm_op[0];
        timer->io->wgm_op_mode_kind = avr_timer_wgm_normal;
        for (unsigned i = 0; i < COMPARE_COUNT; i++) {
            timer->compares[i].buffered = false;
        }
    }
}

static avr_timer_t *timer_named(const machine_t *m, char name) {
    for (unsigned t = 0; t < m->timer_count; t++) {
        if (m->timers[t].io->name == name) {
            return m->timers[t].io;
        }
    }
    return NULL;
}

/* The timer flags that can start a conversion. */
void timers_trigger(machine_t *m, unsigned nth, adc_trigger_t *trigger) {
    avr_timer_t *timer0 = timer_named(m, '0');
    avr_timer_t *timer1 = timer_named(m, '1');
    const adc_trigger_t all[TRIGGER_COUNT] = {
        {m, &timer0->comp[AVR_TIMER_COMPA].interrupt, avr_adts_timer_0_compare_match_a},
        {m, &timer0->overflow, avr_adts_timer_0_overflow},
        {m, &timer1->comp[AVR_TIMER_COMPB].interrupt, avr_adts_timer_1_compare_match_b},
        {m, &timer1->overflow, avr_adts_timer_1_overflow},
    };
    *trigger = all[nth];
}
