/* Samples on their way from the converter's interrupt to EMG frames: two frames' payloads, one being filled while
   the other is sent. The interrupt side is inline and does no 32-bit arithmetic. */
#ifndef EMG_H
#define EMG_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define EMG_MAX_VALUES ((FRAME_MAX_PAYLOAD - MSG_BYTES_EMG) / 2U)

struct emg_buffer {
    uint8_t payload[2][FRAME_MAX_PAYLOAD];
    uint16_t first[2];         /* index of each payload's first sample, low 16 bits */
    uint8_t *next;             /* where the next value goes */
    uint8_t samples_per_frame;
    uint8_t samples_left;      /* until the frame being filled is full */
    uint8_t filling;           /* which payload */
    volatile uint16_t samples; /* whole samples since START, low 16 bits */
    volatile bool ready;       /* the other payload waits to be sent */
    volatile bool overrun;     /* samples were lost on this side */
};

void emg_reset(struct emg_buffer *b, uint8_t samples_per_frame);

/* Fills in the head of the payload that waits; `sample_index` is any recent full index. Gives the payload. */
uint8_t *emg_head(struct emg_buffer *b, uint32_t sample_index, uint8_t flags);

/* The full index whose low 16 bits are `low`, nearest to `near`. */
uint32_t emg_full_index(uint32_t near, uint16_t low);

/* Interrupt side: one channel's value. */
static inline void emg_value(struct emg_buffer *b, int16_t value) {
    uint8_t *at = b->next;
    put_u16(at, (uint16_t)value);
    b->next = at + 2;
}

/* Interrupt side: all channels of this sample have come. True if that filled a frame. */
static inline bool emg_sample_done(struct emg_buffer *b) {
    b->samples = (uint16_t)(b->samples + 1U);
    if (--b->samples_left != 0U) {
        return false;
    }
    if (b->ready) {
        b->overrun = true; /* the main loop is late: this frame is lost, and its place is filled again */
    } else {
        b->ready = true;
        b->filling ^= 1U;
    }
    b->samples_left = b->samples_per_frame;
    b->next = b->payload[b->filling] + MSG_BYTES_EMG;
    b->first[b->filling] = b->samples;
    return true;
}

#endif
