/*
 * The line between host and board, both ways: what the host sends ends up in USART0's receive buffer, two deep, and
 * what the board sends in the host's ear. A third unread byte is lost. (Silicon saves one more if the line then
 * pauses.)
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

static uint64_t board_bit_cycles(const machine_t *m) { return uart_byte_cycles(m) / BITS_PER_BYTE; }

static bool board_listens(const machine_t *m) { return avr_regbit_get(m->avr, m->uart.io->rxen) != 0; }

/* The speed of the board's ear, or whether it listens, may have changed, or bytes have come. */
void line_listen(machine_t *m) {
    uart_t *u = &m->uart;
    if (board_listens(m)) {
        ear_listen(&u->to_board, &u->board_ear, m->avr->cycle, board_bit_cycles(m));
    } else {
        ear_deafen(&u->to_board, &u->board_ear, m->avr->cycle);
    }
    machine_schedule(m);
}

void line_send(machine_t *m, uint64_t not_before, const uint8_t *bytes, size_t count) {
    uart_t *u = &m->uart;
    not_before = not_before > m->avr->cycle ? not_before : m->avr->cycle;
    for (size_t i = 0; i < count; i++) {
        wire_put(&u->to_board, not_before, u->host_bit_cycles, bytes[i]);
    }
    line_listen(m);
}

static void receive(machine_t *m, const heard_t *heard) {
    uart_t *u = &m->uart;
    u->rx_framing += heard->framing_error;
    if (u->rx_unread == RX_DEPTH) {
        avr_regbit_set(m->avr, u->io->dor);
        u->rx_lost++;
        record_event(m, EVENT_RX_LOST, heard->when, 0, heard->byte);
    } else {
        u->rx_fifo[u->rx_unread++] = *heard;
        u->rx_bytes++;
        record_event(m, EVENT_RX, heard->when, 0, heard->byte);
        overhear_host(m, heard->byte);
    }
}

void line_fire(machine_t *m) {
    uart_t *u = &m->uart;
    heard_t heard;
    while (u->board_ear.due <= m->avr->cycle) {
        if (ear_fire(&u->to_board, &u->board_ear, board_bit_cycles(m), &heard)) {
            receive(m, &heard);
        }
    }
}

/* The board has sent a byte that ends at `end`. */
void line_board_sent(machine_t *m, uint64_t end, uint8_t byte) {
    overhear_board(m, byte);
    uint64_t bit_cycles = board_bit_cycles(m);
    wire_put(&m->uart.to_host, end - BITS_PER_BYTE * bit_cycles, bit_cycles, byte);
    line_host_hears(m);
}

/* Gives the host what has arrived by now. */
void line_host_hears(machine_t *m) {
    uart_t *u = &m->uart;
    heard_t heard;
    ear_listen(&u->to_host, &u->host_ear, m->avr->cycle, u->host_bit_cycles);
    while (u->host_ear.due <= m->avr->cycle) {
        if (ear_fire(&u->to_host, &u->host_ear, u->host_bit_cycles, &heard) && u->out_count < sizeof u->out) {
            u->out[u->out_count++] = heard.byte;
        }
    }
}
