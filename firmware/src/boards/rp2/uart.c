/* The line over UART 0, with a ring in each direction. */
#include "rp2.h"
#include "pins.h"

#ifdef UART_TX_PIN

#define UART 0x40034000UL
#define DATA REG(UART + 0x00U)
#define FLAGS REG(UART + 0x18U)
#define RX_EMPTY BIT(4)
#define TX_FULL BIT(5)
#define MASK (UART + 0x38U)
#define CLEAR REG(UART + 0x44U)
#define RX_INTERRUPT BIT(4)
#define TX_INTERRUPT BIT(5)
#define RX_PAUSE_INTERRUPT BIT(6)
#define OVERRUN BIT(11)
#define DIVIDER_64THS (4UL * CPU_HZ / BOARD_BAUD) /* 125 MHz / 16 / 500 kHz is 15.625, exactly */
#define WAKE_AT 16U

uint8_t board_tx_ring[TX_RING_BYTES];
static volatile uint16_t tx_at, tx_end;
static uint8_t rx_ring[256]; /* its positions are one byte and wrap by themselves */
static volatile uint8_t rx_head, rx_tail;
static volatile uint16_t rx_overruns;

/* Locked, or in the interrupt. */
static void fill(void) {
    while (tx_at != tx_end && (FLAGS & TX_FULL) == 0U) {
        DATA = board_tx_ring[tx_at];
        tx_at = (uint16_t)(tx_at + 1U) & (TX_RING_BYTES - 1U);
    }
    if (tx_at == tx_end) {
        CLR(MASK) = TX_INTERRUPT;
    } else {
        SET(MASK) = TX_INTERRUPT;
    }
}

static void take(uint32_t data) {
    uint8_t byte = (uint8_t)data;
    bool full = (uint8_t)(rx_head + 1U) == rx_tail;
    if (full || (data & OVERRUN) != 0U) {
        rx_overruns++;
    }
    if (!full) {
        rx_ring[rx_head] = byte;
        rx_head++;
    }
    if (byte == 0U || (uint8_t)(rx_head - rx_tail) >= WAKE_AT) {
        wake_up(WAKE_RX);
    }
}

void uart_isr(void);
void uart_isr(void) {
    while ((FLAGS & RX_EMPTY) == 0U) {
        take(DATA);
    }
    CLEAR = RX_INTERRUPT | RX_PAUSE_INTERRUPT;
    fill();
}

void line_init(void) {
    REG(UART + 0x24U) = DIVIDER_64THS / 64U;
    REG(UART + 0x28U) = DIVIDER_64THS % 64U;
    REG(UART + 0x2CU) = 3U << 5 | BIT(4);      /* eight bits; FIFOs */
    REG(UART + 0x34U) = 0U << 3 | 1U;          /* interrupts at 4 bytes received, at 8 left to send */
    REG(UART + 0x30U) = BIT(9) | BIT(8) | BIT(0);
    REG(MASK) = RX_INTERRUPT | RX_PAUSE_INTERRUPT;
    PIN_PAD(UART_RX_PIN) = PAD_INPUT_PULLED_UP; /* an open input says nothing */
    PIN_FUNCTION(UART_TX_PIN) = FUNCTION_UART;
    PIN_FUNCTION(UART_RX_PIN) = FUNCTION_UART;
    NVIC_ENABLE = BIT(IRQ_UART0);
}

uint16_t board_tx_free(uint16_t head) {
    return (uint16_t)(tx_at - head - 1U) & (TX_RING_BYTES - 1U);
}

void board_tx_until(uint16_t end) {
    uint32_t mask = lock();
    tx_end = end;
    fill();
    unlock(mask);
}

bool board_rx(uint8_t *byte) {
    if (rx_tail == rx_head) {
        return false;
    }
    *byte = rx_ring[rx_tail];
    rx_tail++;
    return true;
}

uint8_t board_rx_waiting(void) {
    return (uint8_t)(rx_head - rx_tail);
}

uint16_t board_rx_overruns(void) {
    return rx_overruns;
}

#endif
