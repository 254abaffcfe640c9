/*
 * Interrupts: the cycles that entering one costs (simavr takes none), how long each waited from its flag to its
 * handler's first instruction, and how long the handler took.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

/* Datasheet, "Interrupt Response Time": 4 cycles with a 2-byte, 5 with a 3-byte program counter. */
static unsigned entry_cycles(const avr_t *avr) { return avr->address_size + 2u; }

static void on_pending(struct avr_irq_t *irq, uint32_t raised, void *param) {
    vector_stats_t *vector = param;
    (void)irq;
    machine_t *m = vector->machine;
    bool requested = raised && avr_regbit_get(m->avr, vector->io->enable);
    vector->requested_at = requested ? timers_exact_cycle(m, vector->io) : NEVER;
}

static void on_running(struct avr_irq_t *irq, uint32_t running, void *param) {
    vector_stats_t *vector = param;
    avr_t *avr = vector->machine->avr;
    (void)irq;
    if (!running) {
        uint64_t duration = avr->cycle - vector->entered_at;
        vector->duration_max = duration > vector->duration_max ? duration : vector->duration_max;
        return;
    }
    avr->cycle += entry_cycles(avr);
    vector->entered_at = avr->cycle;
    vector->count++;
    if (vector->requested_at != NEVER) {
        uint64_t latency = avr->cycle - vector->requested_at;
        vector->latency_max = latency > vector->latency_max ? latency : vector->latency_max;
    }
}

void vectors_attach(machine_t *m) {
    const avr_int_table_t *table = &m->avr->interrupts;
    for (unsigned i = 0; i < table->vector_count; i++) {
        vector_stats_t *vector = &m->vectors[table->vector[i]->vector];
        vector->machine = m;
        vector->io = table->vector[i];
        avr_irq_register_notify(vector->io->irq + AVR_INT_IRQ_PENDING, on_pending, vector);
        avr_irq_register_notify(vector->io->irq + AVR_INT_IRQ_RUNNING, on_running, vector);
    }
}

void vectors_reset(machine_t *m) {
    for (unsigned i = 0; i < VECTOR_COUNT; i++) {
        if (m->vectors[i].io != NULL) {
            m->vectors[i].requested_at = NEVER;
            m->vectors[i].io->irq[AVR_INT_IRQ_PENDING].value = 0; /* so that the next flag is a rising edge */
        }
    }
}

static bool timer_vector_name(const machine_t *m, const avr_int_vector_t *vector, char *name, size_t size) {
    for (unsigned t = 0; t < m->timer_count; t++) {
        const avr_timer_t *io = m->timers[t].io;
        if (vector == &io->overflow) {
            snprintf(name, size, "TIMER%c_OVF", io->name);
            return true;
        }
        for (unsigned i = 0; i < COMPARE_COUNT; i++) {
            if (vector == &io->comp[i].interrupt) {
                snprintf(name, size, "TIMER%c_COMP%c", io->name, 'A' + (char)i);
                return true;
            }
        }
    }
    return false;
}

void vector_name(const machine_t *m, unsigned number, char *name, size_t size) {
    const avr_int_vector_t *vector = m->vectors[number].io;
    if (vector == &m->uart.io->rxc) {
        snprintf(name, size, "USART_RX");
    } else if (vector == &m->uart.io->udrc) {
        snprintf(name, size, "USART_UDRE");
    } else if (vector == &m->adc.io->adc) {
        snprintf(name, size, "ADC");
    } else if (!timer_vector_name(m, vector, name, size)) {
        snprintf(name, size, "VECTOR_%u", number);
    }
}
