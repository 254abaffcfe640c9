/* Frames from the host: what each one does. */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "device.h"

/* One byte from the line; acts if it completes a good frame. */
void dispatch_byte(struct device *d, uint8_t byte);

#endif
