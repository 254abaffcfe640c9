/*
 * The wire from the host: bytes follow each other at the host's baud, 10 bits each, and end up in USART0's
 * receive buffer, two deep. A third unread byte is lost. (Silicon saves one more if the line then pauses.)
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include "messages.h" /* BAUD */

#include <stdlib.h>

#define HOST_BYTE_CYCLES ((int64_t)(CPU_HZ * (uint64_t)BITS_PER_BYTE / BAUD))
#define FRAMING_TOLERANCE_PERCENT 2 /* datasheet, "Recommended Maximum Receiver Baud Rate Error" */

static void line_grow(uart_t *u, size_t wanted) {
    line_byte_t *line = malloc(2 * wanted * sizeof *line);
    if (line == NULL) {
        fputs("hand-sim: out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < u->line_count; i++) {
        line[i] = u->line[(u->line_head + i) % u->line_capacity];
    }
    free(u->line);
    u->line = line;
    u->line_capacity = 2 * wanted;
    u->line_head = 0;
}

static void start_next(uart_t *u) {
    if (u->line_count == 0) {
        u->rx_due = NEVER;
        return;
    }
    uint64_t start = u->line[u->line_head].not_before;
    if (start < u->line_free_at) {
        start = u->line_free_at;
    }
    u->rx_due = start + (uint64_t)HOST_BYTE_CYCLES;
}

void line_send(machine_t *m, uint64_t not_before, const uint8_t *bytes, size_t count) {
    uart_t *u = &m->uart;
    if (u->line_count + count > u->line_capacity) {
        line_grow(u, u->line_count + count);
    }
    for (size_t i = 0; i < count; i++) {
        u->line[(u->line_head + u->line_count++) % u->line_capacity] = (line_byte_t){not_before, bytes[i]};
    }
    if (u->rx_due == NEVER) { /* the line was silent until now */
        u->line_free_at = m->avr->cycle > u->line_free_at ? m->avr->cycle : u->line_free_at;
        start_next(u);
        machine_schedule(m);
    }
}

static bool baud_fits(const machine_t *m) {
    int64_t error = (int64_t)uart_byte_cycles(m) - HOST_BYTE_CYCLES;
    return 100 * llabs(error) <= FRAMING_TOLERANCE_PERCENT * HOST_BYTE_CYCLES;
}

static void receive(machine_t *m, uint64_t when, uint8_t byte) {
    uart_t *u = &m->uart;
    if (!avr_regbit_get(m->avr, u->io->rxen)) {
        u->rx_off++;
    } else if (!baud_fits(m)) {
        u->rx_framing++;
    } else if (u->rx_unread == RX_DEPTH) {
        avr_regbit_set(m->avr, u->io->dor);
        u->rx_lost++;
        record_event(m, EVENT_RX_LOST, when, 0, byte);
    } else {
        u->rx_fifo[u->rx_unread] = byte;
        u->rx_arrived[u->rx_unread++] = when;
        u->rx_bytes++;
        record_event(m, EVENT_RX, when, 0, byte);
    }
}

void line_fire(machine_t *m) {
    uart_t *u = &m->uart;
    while (u->rx_due <= m->avr->cycle) {
        uint8_t byte = u->line[u->line_head].byte;
        u->line_head = (u->line_head + 1) % u->line_capacity;
        u->line_count--;
        u->line_free_at = u->rx_due;
        receive(m, u->rx_due, byte);
        start_next(u);
    }
}
