/* Frames to the host. */
#ifndef LINK_H
#define LINK_H

#include "device.h"

void link_send_status(struct device *d);
void link_send_ident(struct device *d, uint16_t nonce);
void link_send_config_ack(struct device *d, enum result result);
void link_send_limits(struct device *d, enum result result);
void link_send_pong(struct device *d, uint32_t token);
void link_send_emg(struct device *d); /* the oldest payload that waits, or drops it whole */

#endif
