/*
 * The numbers: counted while the simulation runs, written as one JSON object.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <inttypes.h>

#define PAUSE_CYCLES (CPU_HZ / 50) /* a longer gap is a pause of the sampling, not jitter */

void stats_sample(machine_t *m, unsigned input, uint64_t cycle) {
    sampling_stats_t *s = &m->sampling[input];
    uint64_t period = cycle - s->last_at;
    if (s->count > 0 && period > PAUSE_CYCLES) {
        s->pauses++;
    } else if (s->count > 0) {
        s->period_min = period < s->period_min ? period : s->period_min;
        s->period_max = period > s->period_max ? period : s->period_max;
    }
    s->count++;
    s->last_at = cycle;
}

/* Starts the measurement anew; resets and losses stay counted. */
void stats_clear(machine_t *m) {
    m->stats_since = m->avr->cycle;
    m->slept = 0;
    m->uart.rx_wait_max = 0;
    for (unsigned i = 0; i < INPUT_COUNT; i++) {
        m->sampling[i] = (sampling_stats_t){.period_min = NEVER};
    }
    for (unsigned i = 0; i < VECTOR_COUNT; i++) {
        m->vectors[i].count = m->vectors[i].latency_max = m->vectors[i].duration_max = 0;
    }
    for (unsigned i = 0; i < SERVO_COUNT; i++) {
        servo_pin_t *pin = &m->servos[i];
        pin->pulses = pin->width_max = pin->period_max = pin->width_last = 0;
        pin->width_min = pin->period_min = NEVER;
    }
}

static uint64_t or_zero(uint64_t value) { return value == NEVER ? 0 : value; }

static void write_sampling(const machine_t *m, FILE *out) {
    const char *comma = "";
    fputs("\"sampling\": [", out);
    for (unsigned i = 0; i < INPUT_COUNT; i++) {
        const sampling_stats_t *s = &m->sampling[i];
        if (s->count == 0) {
            continue;
        }
        uint64_t least = or_zero(s->period_min);
        fprintf(out, "%s{\"input\": %u, \"count\": %" PRIu64 ", \"pauses\": %" PRIu64 ", ", comma, i, s->count,
                s->pauses);
        fprintf(out, "\"period_min_cycles\": %" PRIu64 ", \"period_max_cycles\": %" PRIu64 ", \"jitter_us\": %.3f}",
                least, s->period_max,
                (double)(s->period_max - least) * 1e6 / CPU_HZ);
        comma = ", ";
    }
    fputs("]", out);
}

static void write_servos(const machine_t *m, FILE *out) {
    fputs("\"servos\": [", out);
    for (unsigned i = 0; i < SERVO_COUNT; i++) {
        const servo_pin_t *pin = &m->servos[i];
        fprintf(out, "%s{\"pin\": \"P%c%u\", \"pulses\": %" PRIu64 ", ", i ? ", " : "", pin->port->name, pin->bit,
                pin->pulses);
        fprintf(out, "\"width_min_cycles\": %" PRIu64 ", \"width_max_cycles\": %" PRIu64 ", \"width_last_cycles\": %" PRIu64 ", ",
                or_zero(pin->width_min), pin->width_max,
                pin->width_last);
        fprintf(out, "\"period_min_cycles\": %" PRIu64 ", \"period_max_cycles\": %" PRIu64 "}",
                or_zero(pin->period_min), pin->period_max);
    }
    fputs("]", out);
}

static void write_vectors(const machine_t *m, FILE *out) {
    const char *comma = "";
    fputs("\"interrupts\": {", out);
    for (unsigned i = 0; i < VECTOR_COUNT; i++) {
        const vector_stats_t *v = &m->vectors[i];
        if (v->count == 0) {
            continue;
        }
        char name[32];
        vector_name(m, i, name, sizeof name);
        fprintf(out, "%s\"%s\": {\"count\": %" PRIu64 ", \"latency_max_cycles\": %" PRIu64 ", \"duration_max_cycles\": %" PRIu64 "}", comma,
                name, v->count, v->latency_max,
                v->duration_max);
        comma = ", ";
    }
    fputs("}", out);
}

static void write_resets(const machine_t *m, FILE *out) {
    uint64_t first = m->reset_count > RESET_LOG ? m->reset_count - RESET_LOG : 0;
    fprintf(out, "\"reset_count\": %" PRIu64 ", \"resets\": [", m->reset_count);
    for (uint64_t i = first; i < m->reset_count; i++) {
        const reset_t *reset = &m->resets[i % RESET_LOG];
        fprintf(out, "%s{\"cycle\": %" PRIu64 ", \"mcusr\": %u}", i > first ? ", " : "", reset->cycle,
                reset->mcusr);
    }
    fputs("]", out);
}

static void write_uart(const machine_t *m, FILE *out) {
    const uart_t *u = &m->uart;
    fprintf(out, "\"uart\": {\"baud\": %.0f, \"rx_bytes\": %" PRIu64 ", \"rx_lost\": %" PRIu64 ", ",
            (double)CPU_HZ * BITS_PER_BYTE / (double)uart_byte_cycles(m), u->rx_bytes,
            u->rx_lost);
    fprintf(out, "\"rx_framing_errors\": %" PRIu64 ", \"rx_wait_max_cycles\": %" PRIu64 ", ", u->rx_framing,
            u->rx_wait_max);
    fprintf(out, "\"tx_bytes\": %" PRIu64 ", \"tx_overwrites\": %" PRIu64 "}", u->tx_bytes,
            u->tx_overwrites);
}

void stats_write(const machine_t *m, FILE *out) {
    uint64_t span = m->avr->cycle - m->stats_since;
    double busy = span > 0 ? 1.0 - (double)m->slept / (double)span : 0.0;
    fprintf(out, "{\"board\": \"%s\", \"cycles\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_share\": %.4f, ", m->board->name,
            m->avr->cycle, (double)m->avr->cycle / CPU_HZ, busy);
    write_sampling(m, out);
    fputs(", ", out);
    write_servos(m, out);
    fputs(", ", out);
    write_vectors(m, out);
    fputs(", ", out);
    write_resets(m, out);
    fputs(", ", out);
    write_uart(m, out);
    fprintf(out, ", \"adc\": {\"conversions\": %" PRIu64 ", \"ignored_triggers\": %" PRIu64 ", \"lost_results\": %" PRIu64 ", ",
            m->adc.conversions, m->adc.ignored_triggers,
            m->adc.lost_results);
    fprintf(out, "\"emg_rows\": %" PRIu64 "}, ", m->emg.rows);
    fprintf(out, "\"pace\": {\"behind_max_ms\": %.3f, \"slips\": %" PRIu64 ", \"slipped_ms\": %.3f, ", m->pace.behind_max_ms,
            m->pace.slips, m->pace.slipped_ms);
    fprintf(out, "\"bytes_host_did_not_read\": %" PRIu64 "}}\n", m->pace.dropped_to_host);
}
