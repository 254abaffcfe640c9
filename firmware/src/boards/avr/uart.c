/* The line: USART 0 with a ring in each direction. */
#include "avr.h"

#ifndef USART0_RX_vect /* the one USART of smaller AVRs has no number */
#define USART0_RX_vect USART_RX_vect
#define USART0_UDRE_vect USART_UDRE_vect
#endif

#define RX_RING_BYTES 256U /* positions are one byte and wrap by themselves */

uint8_t board_tx_ring[TX_RING_BYTES];
static volatile uint16_t tx_at;    /* next byte to go out */
static volatile uint8_t tx_frames; /* whole frames that wait; each ends with the ring's only kind of zero byte */

static uint8_t rx_ring[RX_RING_BYTES];
static volatile uint8_t rx_head;
static volatile uint8_t rx_tail;
static volatile uint16_t rx_overruns;

ISR(USART0_RX_vect) {
    uint8_t lost = UCSR0A & _BV(DOR0); /* has to be read before the byte */
    uint8_t byte = UDR0;
    uint8_t head = rx_head;
    uint8_t following = (uint8_t)(head + 1U);
    rx_ring[head] = byte;
    if (lost != 0U || following == rx_tail) {
        rx_overruns++;
    }
    if (following != rx_tail) {
        rx_head = following;
    }
    if (byte == 0U) {
        WAKE_BITS |= WAKE_RX;
    }
}

ISR(USART0_UDRE_vect) {
    uint16_t at = tx_at;
    uint8_t byte = board_tx_ring[at];
    UDR0 = byte;
    tx_at = (at + 1U) & (TX_RING_BYTES - 1U);
    if (byte == 0U && --tx_frames == 0U) {
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
    }
}

void uart_init(void) {
    uint16_t divider = (uint16_t)(F_CPU / 8UL / BAUD - 1UL);
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UBRR0H = (uint8_t)(divider >> 8);
    UBRR0L = (uint8_t)divider; /* last: this write sets the rate */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

uint16_t board_tx_free(uint16_t head) {
    uint8_t status = lock();
    uint16_t at = tx_at;
    unlock(status);
    return (uint16_t)(at - head - 1U) & (TX_RING_BYTES - 1U);
}

void board_tx_frame(void) {
    uint8_t status = lock();
    tx_frames++;
    UCSR0B |= _BV(UDRIE0);
    unlock(status);
}

bool board_rx(uint8_t *byte) {
    uint8_t tail = rx_tail;
    if (tail == rx_head) {
        return false;
    }
    *byte = rx_ring[tail];
    rx_tail = (uint8_t)(tail + 1U);
    return true;
}

uint16_t board_rx_overruns(void) {
    uint8_t status = lock();
    uint16_t lost = rx_overruns;
    unlock(status);
    return lost;
}
