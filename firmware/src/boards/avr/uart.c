/* The line: USART 0 with a ring in each direction. */
#include <assert.h>

#include "avr.h"

/* Shared with uart_isr.S, which knows these sizes and the wake bit. RX positions are one byte and wrap by themselves. */
#define RX_RING_BYTES 256U
static_assert(TX_RING_BYTES == 512U, "uart_isr.S wraps by a mask");
static_assert(WAKE_RX == 1 << 2, "uart_isr.S sets this bit");
#define SHARED __attribute__((used, externally_visible))

/* Position of the next byte to go out. In I/O registers, which its interrupt reads and writes faster than RAM. */
static inline uint16_t tx_at(void) {
    return (uint16_t)(GPIOR2 << 8 | GPIOR1);
}

uint8_t board_tx_ring[TX_RING_BYTES] SHARED;
volatile uint16_t tx_end SHARED;   /* position after the last byte that may go out */

uint8_t rx_ring[RX_RING_BYTES] SHARED;
volatile uint8_t rx_head SHARED;
volatile uint8_t rx_tail SHARED;
volatile uint16_t rx_overruns SHARED;

void uart_init(void) {
    GPIOR1 = 0U;
    GPIOR2 = 0U;
    uint16_t divider = (uint16_t)(F_CPU / 8UL / board_info.baud - 1UL);
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UBRR0H = (uint8_t)(divider >> 8);
    UBRR0L = (uint8_t)divider; /* last: this write sets the rate */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

uint16_t board_tx_free(uint16_t head) {
    uint8_t status = lock();
    uint16_t at = tx_at();
    unlock(status);
    return (uint16_t)(at - head - 1U) & (TX_RING_BYTES - 1U);
}

void board_tx_until(uint16_t end) {
    uint8_t status = lock();
    tx_end = end;
    if (end != tx_at()) {
        UCSR0B |= _BV(UDRIE0);
    }
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

uint8_t board_rx_waiting(void) {
    return (uint8_t)(rx_head - rx_tail);
}

uint16_t board_rx_overruns(void) {
    uint8_t status = lock();
    uint16_t lost = rx_overruns;
    unlock(status);
    return lost;
}
