/* Frames to the host. */
#ifndef LINK_H
#define LINK_H

#include "device.h"

void link_send_due(struct device *d); /* what has no room goes on waiting */
void link_send_emg(struct device *d); /* the oldest payload that waits, or drops it whole */

#endif
