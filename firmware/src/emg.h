/* Samples on their way from the converter's interrupt to EMG frames: a ring of payloads, as many as have room. The
   interrupt fills one while the main loop sends the oldest; short ones queue up while the main loop is busy. The
   interrupt side is inline, short and does no 32-bit arithmetic; the main loop works out the rest. */
#ifndef EMG_H
#define EMG_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define EMG_MAX_VALUES ((FRAME_MAX_PAYLOAD - MSG_BYTES_EMG) / 2U)
#define EMG_FLAGS_AT (MSG_BYTES_EMG - 1U) /* in a payload */

struct emg_buffer {
    uint8_t *next;                 /* where the next value goes */
    uint8_t *filling;              /* the payload that it is in; so far its head is only its index's low 16 bits and flags */
    uint8_t *oldest;               /* the full payload that is sent next */
    uint8_t *end;                  /* of the ring */
    uint8_t places;                /* payloads in the ring */
    uint8_t payload_bytes;
    uint8_t samples_per_frame;
    volatile uint8_t samples_left; /* until the payload being filled is full */
    volatile uint8_t filled;       /* payloads so far, wraps */
    volatile uint8_t sent;         /* the same */
    volatile uint16_t first;       /* index of the first sample in `filling`, low 16 bits */
    uint8_t ring[2U * FRAME_MAX_PAYLOAD];
};

void emg_reset(struct emg_buffer *b, uint8_t samples_per_frame, uint8_t channels);

/* Whole samples since START, low 16 bits. With the interrupt locked out. */
uint16_t emg_samples(const struct emg_buffer *b);

/* The full index whose low 16 bits are `low`, nearest to `near`. */
uint32_t emg_full_index(uint32_t near, uint16_t low);

uint8_t emg_waiting(const struct emg_buffer *b); /* full payloads */

/* Completes the head of the oldest payload: its flags are added to, `near` is any recent full index. Gives the payload. */
const uint8_t *emg_oldest(struct emg_buffer *b, uint32_t near, uint8_t flags);

/* The oldest payload has been sent, or dropped. */
void emg_done(struct emg_buffer *b);

/* Marks the payload being filled: samples were lost on this side before its end. */
static inline void emg_lost(struct emg_buffer *b) {
    b->filling[EMG_FLAGS_AT] = EMG_FLAG_ADC_OVERRUN;
}

/* Marks the payload being filled: an electrode was off the skin. */
static inline void emg_lead_off(struct emg_buffer *b) {
    b->filling[EMG_FLAGS_AT] |= EMG_FLAG_LEAD_OFF;
}

/* Interrupt side: one channel's value. */
static inline void emg_value(struct emg_buffer *b, int16_t value) {
    uint8_t *at = b->next;
    put_u16(at, (uint16_t)value);
    b->next = at + 2;
}

/* Interrupt side: more to one channel's value. */
static inline void emg_add(struct emg_buffer *b, int16_t value) {
    uint8_t *at = b->next;
    put_u16(at, (uint16_t)(get_u16(at) + (uint16_t)value));
    b->next = at + 2;
}

/* Interrupt side: more comes to the newest values, which took so many bytes. */
static inline void emg_again(struct emg_buffer *b, uint16_t bytes) {
    b->next -= bytes;
}

static inline void emg_begin(struct emg_buffer *b) {
    b->samples_left = b->samples_per_frame;
    b->next = b->filling + MSG_BYTES_EMG;
    b->filling[EMG_FLAGS_AT] = 0U;
    put_u16(b->filling, b->first);
}

/* Interrupt side: all channels of this sample have come. True if that filled a payload. */
static inline bool emg_sample_done(struct emg_buffer *b) {
    if (--b->samples_left != 0U) {
        return false;
    }
    b->first = (uint16_t)(b->first + b->samples_per_frame);
    if ((uint8_t)(b->filled - b->sent) == (uint8_t)(b->places - 1U)) {
        emg_begin(b);
        emg_lost(b); /* the main loop is late: this payload is lost, and its place is filled again */
        return true;
    }
    b->filled++;
    b->filling += b->payload_bytes;
    if (b->filling == b->end) {
        b->filling = b->ring;
    }
    emg_begin(b);
    return true;
}

#endif
