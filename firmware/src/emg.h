/* Samples on their way from the converter's interrupt to EMG frames: two frames' payloads, one being filled while
   the other is sent. The interrupt side is inline, short and counts in bytes; the main loop works out the rest. */
#ifndef EMG_H
#define EMG_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define EMG_MAX_VALUES ((FRAME_MAX_PAYLOAD - MSG_BYTES_EMG) / 2U)

struct emg_buffer {
    uint8_t *next;                 /* where the next value goes */
    uint8_t *filling;              /* the payload that it is in */
    uint8_t *waiting;              /* the other one: to be sent while `ready` */
    volatile uint8_t samples_left; /* until the frame being filled is full */
    uint8_t samples_per_frame;
    volatile uint16_t first;       /* index of the filling frame's first sample, low 16 bits */
    uint16_t waiting_first;        /* the same of the waiting frame */
    volatile bool ready;
    volatile bool overrun;         /* samples were lost on this side */
    uint8_t payload[2][FRAME_MAX_PAYLOAD];
};

void emg_reset(struct emg_buffer *b, uint8_t samples_per_frame);

/* Whole samples since START, low 16 bits. With the interrupt locked out. */
uint16_t emg_samples(const struct emg_buffer *b);

/* The full index whose low 16 bits are `low`, nearest to `near`. */
uint32_t emg_full_index(uint32_t near, uint16_t low);

/* Fills in the head of the waiting payload; `near` is any recent full index. */
void emg_head(struct emg_buffer *b, uint32_t near, uint8_t flags);

/* Interrupt side: one channel's value. */
static inline void emg_value(struct emg_buffer *b, int16_t value) {
    uint8_t *at = b->next;
    put_u16(at, (uint16_t)value);
    b->next = at + 2;
}

/* Interrupt side: all channels of this sample have come. True if that filled a frame. */
static inline bool emg_sample_done(struct emg_buffer *b) {
    if (--b->samples_left != 0U) {
        return false;
    }
    if (b->ready) {
        b->overrun = true; /* the main loop is late: this frame is lost, and its place is filled again */
    } else {
        uint8_t *full = b->filling;
        b->filling = b->waiting;
        b->waiting = full;
        b->waiting_first = b->first;
        b->ready = true;
    }
    b->next = b->filling + MSG_BYTES_EMG;
    b->samples_left = b->samples_per_frame;
    b->first = (uint16_t)(b->first + b->samples_per_frame);
    return true;
}

#endif
