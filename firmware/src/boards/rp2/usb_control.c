/* Endpoint 0: what the device is (a CDC-ACM serial port, USB CDC 1.2), and the host's requests (USB 2.0, chapter 9). */
#include <assert.h>
#include <stddef.h>

#include "usb.h"
#include "pins.h"

#ifndef UART_TX_PIN

/* pid.codes keeps this pair for tests of devices that are not sold (README.md, USB). */
#define VENDOR 0x1209U
#define PRODUCT 0x000AU
#define WORD(value) (uint8_t)(value), (uint8_t)((value) >> 8)

#define GET_STATUS 0U
#define CLEAR_FEATURE 1U
#define SET_FEATURE 3U
#define SET_ADDRESS 5U
#define GET_DESCRIPTOR 6U
#define GET_CONFIGURATION 8U
#define SET_CONFIGURATION 9U
#define GET_INTERFACE 10U
#define SET_INTERFACE 11U
#define SET_LINE_CODING 0x20U
#define GET_LINE_CODING 0x21U
#define SET_CONTROL_LINE_STATE 0x22U
#define SEND_BREAK 0x23U
#define TYPE_MASK 0x60U
#define TYPE_STANDARD 0x00U
#define TYPE_CLASS 0x20U
#define DTR 1U
#define TOUCH_BAUD 1200U /* opening a port at this rate and closing it asks for the boot loader, as everywhere */

static const uint8_t DEVICE[] = {
    18, 1, WORD(0x0200), 2, 0, 0, USB_PACKET, WORD(VENDOR), WORD(PRODUCT), WORD(0x0100), 1, 2, 3, 1,
};

static const uint8_t CONFIGURATION[] = {
    9, 2, WORD(67), 2, 1, 0, 0x80, 250,                                                  /* from the bus, 500 mA */
    9, 4, 0, 0, 1, 2, 2, 0, 0,                                                           /* control interface */
    5, 0x24, 0, WORD(0x0110), 5, 0x24, 1, 0, 1, 4, 0x24, 2, 2, 5, 0x24, 6, 0, 1,         /* CDC: ACM with line coding */
    7, 5, 0x81, 3, WORD(8), 255,                                                         /* its notes, of which none comes */
    9, 4, 1, 0, 2, 10, 0, 0, 0,                                                          /* data interface */
    7, 5, 0x02, 2, WORD(USB_PACKET), 0, 7, 5, 0x82, 2, WORD(USB_PACKET), 0,
};

static const char *const STRINGS[] = {"", "myobridge", BOARD_TITLE};
#define STRING_SERIAL 3U
#define STRING_MAX 31U
static_assert(sizeof BOARD_TITLE - 1U < STRING_MAX, "an answer of one whole packet would want an empty one after it");

enum stage { IDLE, DATA_IN, DATA_OUT, STATUS_IN, STATUS_OUT };

static uint8_t stage;
static uint8_t address_due;
static uint8_t configuration;
static const uint8_t *reply;
static uint16_t reply_left;
static bool reply_data1;
static uint8_t line_coding[7] = {WORD(0xA120U), WORD(0x0007U), 0, 0, 8}; /* 500 000, 8N1; nobody heeds it */
static uint8_t text[2U + 2U * STRING_MAX];
static char serial[17];

/* The flash's unique id, so that two boards have two names. */
void usb_control_init(void) {
    uint8_t id[8];
    flash_unique_id(id);
    for (uint8_t i = 0; i < 16U; i++) {
        serial[i] = "0123456789ABCDEF"[id[i / 2U] >> (i % 2U == 0U ? 4U : 0U) & 0xFU];
    }
}

void usb_control_reset(void) {
    stage = IDLE;
    address_due = 0U;
    configuration = 0U;
}

/* ---- Answers ---- */

static void send_part(void) {
    uint16_t count = reply_left < USB_PACKET ? reply_left : USB_PACKET;
    usb_send_0(reply, count, reply_data1);
    reply += count;
    reply_left = (uint16_t)(reply_left - count);
    reply_data1 = !reply_data1;
}

static bool answer(const uint8_t *bytes, uint16_t count, uint16_t wanted) {
    reply = bytes;
    reply_left = count < wanted ? count : wanted;
    reply_data1 = true;
    stage = DATA_IN;
    send_part();
    return true;
}

/* An empty packet: done. */
static bool confirm(void) {
    stage = STATUS_IN;
    usb_send_0(NULL, 0U, true);
    return true;
}

static bool answer_string(uint8_t index, uint16_t wanted) {
    if (index > STRING_SERIAL) {
        return false;
    }
    const char *from = index == STRING_SERIAL ? serial : STRINGS[index];
    uint8_t at = 2U;
    if (index == 0U) { /* the languages: English */
        text[at++] = 0x09U;
        text[at++] = 0x04U;
    }
    for (; *from != '\0' && at < sizeof text; from++) {
        text[at++] = (uint8_t)*from;
        text[at++] = 0U;
    }
    text[0] = at;
    text[1] = 3U;
    return answer(text, at, wanted);
}

static bool answer_descriptor(uint16_t which, uint16_t wanted) {
    switch (which >> 8) {
    case 1:
        return answer(DEVICE, sizeof DEVICE, wanted);
    case 2:
        return answer(CONFIGURATION, sizeof CONFIGURATION, wanted);
    case 3:
        return answer_string((uint8_t)which, wanted);
    default:
        return false;
    }
}

/* ---- Requests; false: the device does not know it, and stalls ---- */

static bool standard(uint8_t request, uint16_t value, uint16_t index, uint16_t wanted) {
    static const uint8_t ZEROS[2];
    switch (request) {
    case GET_STATUS:
        return answer(ZEROS, 2U, wanted);
    case GET_DESCRIPTOR:
        return answer_descriptor(value, wanted);
    case GET_CONFIGURATION:
        return answer(&configuration, 1U, wanted);
    case GET_INTERFACE:
        return answer(ZEROS, 1U, wanted);
    case SET_ADDRESS:
        address_due = (uint8_t)value;
        return confirm();
    case SET_CONFIGURATION:
        configuration = (uint8_t)value;
        usb_open(configuration != 0U);
        return confirm();
    case CLEAR_FEATURE:
        usb_restart_endpoint((uint8_t)index);
        return confirm();
    case SET_FEATURE:
    case SET_INTERFACE:
        return confirm();
    default:
        return false;
    }
}

static bool of_class(uint8_t request, uint16_t value, uint16_t wanted) {
    switch (request) {
    case GET_LINE_CODING:
        return answer(line_coding, sizeof line_coding, wanted);
    case SET_LINE_CODING:
        stage = DATA_OUT;
        usb_receive_0();
        return true;
    case SET_CONTROL_LINE_STATE:
        if ((value & DTR) != 0U) {
            usb_terminal_opened();
        } else if ((uint16_t)(line_coding[0] | line_coding[1] << 8) == TOUCH_BAUD && line_coding[2] == 0U) {
            enter_boot_loader();
        }
        return confirm();
    case SEND_BREAK:
        return confirm();
    default:
        return false;
    }
}

void usb_control_setup(const uint8_t setup[8]) {
    uint8_t type = setup[0] & TYPE_MASK;
    uint16_t value = get_u16(setup + 2);
    uint16_t index = get_u16(setup + 4);
    uint16_t wanted = get_u16(setup + 6);
    bool known = type == TYPE_STANDARD  ? standard(setup[1], value, index, wanted)
                 : type == TYPE_CLASS ? of_class(setup[1], value, wanted)
                                      : false;
    if (!known) {
        stage = IDLE;
        usb_stall_0();
    }
}

void usb_control_sent(void) {
    if (stage == DATA_IN && reply_left != 0U) {
        send_part();
    } else if (stage == DATA_IN) {
        stage = STATUS_OUT;
        usb_receive_0();
    } else if (stage == STATUS_IN) {
        stage = IDLE;
        if (address_due != 0U) { /* takes hold after the status stage */
            usb_set_address(address_due);
            address_due = 0U;
        }
    }
}

void usb_control_received(const volatile uint8_t *data, uint16_t count) {
    if (stage == DATA_OUT) {
        for (uint8_t i = 0; i < count && i < sizeof line_coding; i++) {
            line_coding[i] = data[i];
        }
        (void)confirm();
    } else {
        stage = IDLE;
    }
}

#endif
