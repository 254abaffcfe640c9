/* The line over USB: the controller (4.1) as a full-speed device with one bulk endpoint in each direction. A frame goes out
   when it is whole, in packets of less than 64 bytes, each of which ends the host's read. What the host does not fetch stays
   in the ring, and EMG that finds no room is dropped and counted. What the host sends while the ring is full waits in the
   host: no byte is lost. */
#include "usb.h"
#include "pins.h"

#ifndef UART_TX_PIN

#define USB 0x50110000UL
#define MEMORY 0x50100000UL
#define ADDRESS REG(USB + 0x00U)
#define MAIN_CTRL REG(USB + 0x40U)
#define SIE_CTRL (USB + 0x4CU)
#define SIE_STATUS REG(USB + 0x50U)
#define BUFFERS_DONE REG(USB + 0x58U)
#define STALL_ARM REG(USB + 0x68U)
#define MUXING REG(USB + 0x74U)
#define POWER REG(USB + 0x78U)
#define INTERRUPTS_ENABLED REG(USB + 0x90U)
#define INTERRUPTS REG(USB + 0x98U)
#define BUFFER_DONE BIT(4)
#define BUS_RESET BIT(12)
#define SETUP BIT(16)
#define PULL_UP BIT(16)

#define ENDPOINT_CONTROL(n, out) REG(MEMORY + 8U * (n) + ((out) ? 4U : 0U))
#define BUFFER_CONTROL(n, out) REG(MEMORY + 0x80U + 8U * (n) + ((out) ? 4U : 0U))
#define ENDPOINT_ON (BIT(31) | BIT(29))
#define BULK (2U << 26)
#define INTERRUPT (3U << 26)
#define FULL BIT(15)
#define DATA1 BIT(13)
#define STALL BIT(11)
#define AVAILABLE BIT(10)
#define COUNT_MASK 0x3FFU

#define BUFFER_0 0x100U
#define BUFFER_IN 0x180U
#define BUFFER_OUT 0x1C0U
#define BUFFER_NOTE 0x200U
#define LINE 2U /* the data endpoints' number */
#define NOTE 1U /* never used; CDC wants it */
#define OF(n, out) BIT(2U * (n) + ((out) ? 1U : 0U))

#define RX_RING_BYTES 256U

uint8_t board_tx_ring[TX_RING_BYTES];
static volatile uint16_t tx_at, tx_end;
static uint16_t in_flight;          /* bytes of the packet that waits for the host */
static bool sending, open;
static uint32_t in_toggle, out_toggle;
static uint8_t rx_ring[RX_RING_BYTES]; /* its positions are one byte and wrap by themselves */
static volatile uint8_t rx_head, rx_tail;
static bool received;               /* a packet lies in the buffer, and the ring has no room for it */

/* AVAILABLE goes last: the controller has another clock (4.1.2.5.1). */
static void give_buffer(uint8_t n, bool out, uint32_t bits) {
    BUFFER_CONTROL(n, out) = bits;
    __asm__ volatile("nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop");
    BUFFER_CONTROL(n, out) = bits | AVAILABLE;
}

static volatile uint8_t *buffer(uint32_t at) {
    return (volatile uint8_t *)(uintptr_t)(MEMORY + at);
}

/* ---- To the host; locked, or in the interrupt ---- */

static uint8_t copy_next(void) {
    volatile uint8_t *to = buffer(BUFFER_IN);
    uint16_t at = tx_at;
    uint8_t count = 0U;
    for (; count < USB_PACKET - 1U && at != tx_end; count++) {
        *to++ = board_tx_ring[at];
        at = (uint16_t)(at + 1U) & (TX_RING_BYTES - 1U);
    }
    return count;
}

static void send_next(void) {
    if (!open || sending || tx_at == tx_end) {
        return;
    }
    in_flight = copy_next();
    sending = true;
    give_buffer(LINE, false, FULL | in_toggle | in_flight);
    in_toggle ^= DATA1;
}

static void sent(void) {
    tx_at = (uint16_t)(tx_at + in_flight) & (TX_RING_BYTES - 1U);
    in_flight = 0U;
    sending = false;
    send_next();
}

/* The packet that waits for the host cannot be taken back; a frame that it cuts off is dropped by the host's decoder. */
void usb_terminal_opened(void) {
    tx_at = tx_end;
    in_flight = 0U;
}

/* ---- From the host ---- */

static void want_packet(void) {
    give_buffer(LINE, true, out_toggle | USB_PACKET);
    out_toggle ^= DATA1;
}

static void take_packet(void) {
    uint32_t count = BUFFER_CONTROL(LINE, true) & COUNT_MASK;
    uint8_t room = (uint8_t)(rx_tail - rx_head - 1U);
    received = count > room;
    if (received) {
        return;
    }
    const volatile uint8_t *from = buffer(BUFFER_OUT);
    for (; count != 0U; count--) {
        rx_ring[rx_head] = *from++;
        rx_head++;
    }
    wake_up(WAKE_RX);
    want_packet();
}

/* ---- For usb_control.c ---- */

void usb_send_0(const uint8_t *bytes, uint16_t count, bool data1) {
    volatile uint8_t *to = buffer(BUFFER_0);
    for (uint16_t i = 0; i < count; i++) {
        *to++ = bytes[i];
    }
    give_buffer(0U, false, FULL | (data1 ? DATA1 : 0U) | count);
}

void usb_receive_0(void) {
    give_buffer(0U, true, DATA1 | USB_PACKET);
}

void usb_stall_0(void) {
    STALL_ARM = BIT(1) | BIT(0);
    BUFFER_CONTROL(0U, true) = STALL;
    BUFFER_CONTROL(0U, false) = STALL;
}

void usb_set_address(uint8_t address) {
    ADDRESS = address;
}

void usb_open(bool configured) {
    open = configured;
    in_toggle = 0U;
    out_toggle = 0U;
    in_flight = 0U;
    sending = false;
    received = false;
    tx_at = tx_end; /* a frame that began is cut off, so the host's decoder drops its rest up to the next zero */
    BUFFER_CONTROL(LINE, false) = 0U;
    BUFFER_CONTROL(LINE, true) = 0U;
    if (configured) {
        ENDPOINT_CONTROL(NOTE, false) = ENDPOINT_ON | INTERRUPT | BUFFER_NOTE;
        ENDPOINT_CONTROL(LINE, false) = ENDPOINT_ON | BULK | BUFFER_IN;
        ENDPOINT_CONTROL(LINE, true) = ENDPOINT_ON | BULK | BUFFER_OUT;
        want_packet();
    }
}

void usb_restart_endpoint(uint8_t address) {
    if (address == (0x80U | LINE) && open) {
        in_toggle = 0U;
        BUFFER_CONTROL(LINE, false) = 0U;
        sending = false;
        send_next(); /* the packet that waited, with its new toggle */
    } else if (address == LINE && open) {
        out_toggle = 0U;
        if (!received) { /* else the next packet is asked for when this one has found room */
            BUFFER_CONTROL(LINE, true) = 0U;
            want_packet();
        }
    }
}

/* ---- The interrupt ---- */

static void buffers_done(void) {
    uint32_t done = BUFFERS_DONE;
    BUFFERS_DONE = done;
    if ((done & OF(0U, false)) != 0U) {
        usb_control_sent();
    }
    if ((done & OF(0U, true)) != 0U) {
        usb_control_received(buffer(BUFFER_0), (uint16_t)(BUFFER_CONTROL(0U, true) & COUNT_MASK));
    }
    if ((done & OF(LINE, false)) != 0U) {
        sent();
    }
    if ((done & OF(LINE, true)) != 0U) {
        take_packet();
    }
}

void usb_isr(void);
void usb_isr(void) { /* in the order in which they came, if one interrupt tells of several: a reset takes 10 ms */
    uint32_t why = INTERRUPTS;
    if ((why & BUFFER_DONE) != 0U) {
        buffers_done();
    }
    if ((why & SETUP) != 0U) {
        SIE_STATUS = BIT(17);
        uint8_t setup[8];
        for (uint8_t i = 0; i < sizeof setup; i++) {
            setup[i] = buffer(0U)[i];
        }
        usb_control_setup(setup);
    }
    if ((why & BUS_RESET) != 0U) {
        SIE_STATUS = BIT(19);
        usb_set_address(0U);
        usb_open(false);
        usb_control_reset();
    }
}

void line_init(void) {
    for (uint32_t at = 0; at < 0x100U; at += 4U) {
        REG(MEMORY + at) = 0U;
    }
    usb_control_init();
    MUXING = BIT(3) | BIT(0);
    POWER = BIT(3) | BIT(2); /* as if the plug were always in: no pin says whether it is */
    MAIN_CTRL = BIT(0);
    REG(SIE_CTRL) = BIT(29); /* an interrupt for each buffer of endpoint 0 */
    INTERRUPTS_ENABLED = BUFFER_DONE | BUS_RESET | SETUP;
    NVIC_ENABLE = BIT(IRQ_USB);
    SET(SIE_CTRL) = PULL_UP; /* here I am */
}

uint16_t board_tx_free(uint16_t head) {
    return (uint16_t)(tx_at - head - 1U) & (TX_RING_BYTES - 1U);
}

/* The early call, with a frame's beginning, makes no packet of its own: only a whole frame ends with a zero. */
void board_tx_until(uint16_t end) {
    if (board_tx_ring[(end - 1U) & (TX_RING_BYTES - 1U)] != 0U) {
        return;
    }
    uint32_t mask = lock();
    tx_end = end;
    send_next();
    unlock(mask);
}

bool board_rx(uint8_t *byte) {
    if (rx_tail == rx_head) {
        return false;
    }
    *byte = rx_ring[rx_tail];
    rx_tail++;
    uint32_t mask = lock();
    if (received) {
        take_packet();
    }
    unlock(mask);
    return true;
}

uint8_t board_rx_waiting(void) {
    return (uint8_t)(rx_head - rx_tail);
}

uint16_t board_rx_overruns(void) {
    return 0U;
}

#endif
