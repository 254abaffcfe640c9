/* The USB device in two halves: usb.c has the controller and its data endpoints, usb_control.c answers the host's requests. */
#ifndef USB_H
#define USB_H

#include "rp2.h"

#define USB_PACKET 64U

void usb_control_init(void);
void usb_control_reset(void);                  /* the bus was reset */
void usb_control_setup(const uint8_t setup[8]);
void usb_control_sent(void);                   /* the packet on endpoint 0 has gone */
void usb_control_received(const volatile uint8_t *data, uint16_t count);

/* What usb_control.c asks of the controller. */
void usb_send_0(const uint8_t *bytes, uint16_t count, bool data1);
void usb_receive_0(void); /* a packet with toggle 1, which data and status both begin with */
void usb_stall_0(void);
void usb_set_address(uint8_t address);
void usb_open(bool configured);                /* SET_CONFIGURATION: data endpoints begin anew, or end */
void usb_restart_endpoint(uint8_t address);    /* CLEAR_FEATURE(HALT): its toggle is 0 again */
void usb_terminal_opened(void);                /* a host's program has opened the port: it hears nothing old */

#endif
