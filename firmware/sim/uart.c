/*
 * USART0 as in silicon, in place of simavr's: 10 bits a byte, a transmit buffer in front of the shift register,
 * and interrupts that stay requested for as long as their flag is set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include "board_table.h"

#define MPCM_BIT 0

static bool enabled(const machine_t *m, avr_regbit_t bit) { return avr_regbit_get(m->avr, bit) != 0; }

uint64_t uart_byte_cycles(const machine_t *m) {
    const avr_uart_t *io = m->uart.io;
    unsigned divider = avr_regbit_get(m->avr, io->ubrrl) | (unsigned)avr_regbit_get(m->avr, io->ubrrh) << 8;
    unsigned oversampling = enabled(m, io->u2x) ? 8 : 16;
    return (uint64_t)BITS_PER_BYTE * oversampling * (divider + 1);
}

/* A level-triggered interrupt in simavr's edge-triggered world. */
static void set_flag(machine_t *m, avr_int_vector_t *vector, bool level) {
    if (level) {
        avr_regbit_set(m->avr, vector->raised);
        if (enabled(m, vector->enable)) {
            avr_raise_interrupt(m->avr, vector);
        }
    } else {
        avr_regbit_clear(m->avr, vector->raised);
        if (vector->pending) {
            avr_clear_interrupt(m->avr, vector);
        }
    }
}

static void update_flags(machine_t *m) {
    set_flag(m, &m->uart.io->rxc, m->uart.rx_unread > 0);
    set_flag(m, &m->uart.io->udrc, !m->uart.tx_buffered);
    avr_regbit_setto(m->avr, m->uart.io->fe, m->uart.rx_unread > 0 && m->uart.rx_fifo[0].framing_error);
}

static void on_interrupt(struct avr_irq_t *irq, uint32_t running, void *param) {
    (void)irq;
    if (!running) { /* returned, and perhaps left its flag set */
        update_flags(param);
    }
}

static uint8_t read_udr(struct avr_t *avr, avr_io_addr_t addr, void *param) {
    machine_t *m = param;
    uart_t *u = &m->uart;
    (void)addr;
    uint8_t byte = u->rx_fifo[0].byte;
    if (u->rx_unread > 0) {
        uint64_t wait = avr->cycle - u->rx_fifo[0].when;
        u->rx_wait_max = wait > u->rx_wait_max ? wait : u->rx_wait_max;
        u->rx_fifo[0] = u->rx_fifo[1];
        u->rx_unread--;
    }
    avr_regbit_clear(avr, u->io->dor);
    update_flags(m);
    return byte;
}

static void write_udr(struct avr_t *avr, avr_io_addr_t addr, uint8_t byte, void *param) {
    machine_t *m = param;
    uart_t *u = &m->uart;
    (void)addr;
    if (!enabled(m, u->io->txen)) {
        return;
    }
    if (!u->tx_shifting) {
        u->tx_shifting = true;
        u->tx_shift = byte;
        u->tx_due = avr->cycle + uart_byte_cycles(m);
        machine_schedule(m);
    } else if (!u->tx_buffered) {
        u->tx_buffered = true;
        u->tx_buffer = byte;
    } else {
        u->tx_overwrites++;
    }
    update_flags(m);
}

static void byte_sent(machine_t *m) {
    uart_t *u = &m->uart;
    record_event(m, EVENT_TX, u->tx_due, 0, u->tx_shift);
    u->tx_bytes++;
    line_board_sent(m, u->tx_due, u->tx_shift);
    if (u->tx_buffered) {
        u->tx_buffered = false;
        u->tx_shift = u->tx_buffer;
        u->tx_due += uart_byte_cycles(m);
    } else {
        u->tx_shifting = false;
        u->tx_due = NEVER;
        avr_raise_interrupt(m->avr, &u->io->txc);
    }
}

static void write_ucsra(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    const avr_uart_t *io = ((machine_t *)param)->uart.io;
    uint8_t writable = (uint8_t)(1u << io->u2x.bit | 1u << MPCM_BIT);
    uint8_t cleared_by_one = (uint8_t)(1u << io->txc.raised.bit);
    uint8_t kept = avr->data[addr] & (uint8_t)~writable & (uint8_t) ~(value & cleared_by_one);
    avr->data[addr] = kept | (value & writable);
    line_listen(param);
}

static void write_ucsrb(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    machine_t *m = param;
    avr->data[addr] = value;
    if (!enabled(m, m->uart.io->rxen)) {
        m->uart.rx_unread = 0;
    }
    update_flags(m);
    line_listen(m);
}

static void write_ubrr(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    avr->data[addr] = value;
    line_listen(param);
}

void uart_attach(machine_t *m) {
    avr_uart_t *io = NULL;
    for (unsigned i = 0; io == NULL || io->name != '0'; i++) {
        io = (avr_uart_t *)machine_find_io(m, "uart", i);
    }
    m->uart.io = io;
    m->uart.host_bit_cycles = CPU_HZ / HOST_BAUD;
    m->uart.host_ear = (ear_t){.edge = NEVER, .due = NEVER};
    io->rxc.raise_sticky = 1; /* cleared by reading UDR, not by entering the handler */
    io->udrc.raise_sticky = 1;
    machine_hook(m, io->r_udr, read_udr, write_udr);
    machine_hook(m, io->rxc.raised.reg, NULL, write_ucsra);
    machine_hook(m, io->rxen.reg, NULL, write_ucsrb);
    machine_hook(m, io->ubrrl.reg, NULL, write_ubrr);
    avr_irq_register_notify(io->rxc.irq + AVR_INT_IRQ_RUNNING, on_interrupt, m);
    avr_irq_register_notify(io->udrc.irq + AVR_INT_IRQ_RUNNING, on_interrupt, m);
}

void uart_reset(machine_t *m) {
    uart_t *u = &m->uart;
    u->rx_unread = 0;
    u->tx_shifting = u->tx_buffered = false;
    u->tx_due = NEVER;
    avr_regbit_clear(m->avr, u->io->txen); /* simavr sets it, for its own debug output */
    update_flags(m);
    line_listen(m);
}

void uart_fire(machine_t *m) {
    line_fire(m);
    while (m->uart.tx_due <= m->avr->cycle) {
        byte_sent(m);
    }
    update_flags(m);
}
