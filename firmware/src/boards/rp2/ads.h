/* The front end in two halves: ads.c has the chip, ads_sampling.c makes EMG of what it gives. */
#ifndef ADS_H
#define ADS_H

#include "rp2.h"

#define ADS_CHANNELS 8U
#define ADS_FRAME_BYTES (3U + 3U * ADS_CHANNELS) /* status, then the channels */

void ads_init(void);  /* the chip's power-up: some 0.3 s */
bool ads_found(void); /* a chip that this firmware knows has answered there, and does as it is told */

/* Conversions of these channels begin, at 16 kHz halved so often; DRDY falls after each. False: the chip does not do as it is
   told. */
bool ads_start(uint8_t channel_mask, uint8_t halved);
void ads_stop(void);

/* What the newest conversion gave, right after DRDY has fallen. */
void ads_read(uint8_t frame[ADS_FRAME_BYTES]);

#endif
