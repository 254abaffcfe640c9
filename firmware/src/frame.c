#include "frame.h"

#include <assert.h>

static_assert((TX_RING_BYTES & (TX_RING_BYTES - 1U)) == 0U, "positions in the ring wrap by a mask");
static_assert(MAX_FRAME_BYTES <= 254U, "COBS then costs exactly one byte");

static inline uint16_t crc16_byte(uint16_t crc, uint8_t byte) {
    /* The polynomial x^16 + x^12 + x^5 + 1, eight bits at once, in bytes: no table, some 20 cycles on an AVR. */
    uint8_t x = (uint8_t)((crc >> 8) ^ byte);
    x = (uint8_t)(x ^ (x >> 4));
    uint8_t high = (uint8_t)((uint8_t)crc ^ (uint8_t)(x << 4) ^ (x >> 3));
    uint8_t low = (uint8_t)((uint8_t)(x << 5) ^ x);
    return (uint16_t)((uint16_t)(high << 8) | low);
}

uint16_t crc16(uint16_t crc, const uint8_t *bytes, uint8_t count) {
    for (uint8_t i = 0; i < count; i++) {
        crc = crc16_byte(crc, bytes[i]);
    }
    return crc;
}

struct cobs {
    uint8_t *ring;
    uint16_t at;
    uint16_t code_at;
    uint8_t distance; /* from the last code byte to `at` */
};

static inline uint16_t next(uint16_t at) {
    return (uint16_t)((at + 1U) & (TX_RING_BYTES - 1U));
}

static inline void cobs_put(struct cobs *c, uint8_t byte) {
    if (byte == 0U) {
        c->ring[c->code_at] = c->distance;
        c->code_at = c->at;
        c->distance = 1U;
    } else {
        c->ring[c->at] = byte;
        c->distance++;
    }
    c->at = next(c->at);
}

uint16_t frame_encode(uint8_t *ring, uint16_t at, uint8_t type, uint8_t seq, const uint8_t *payload, uint8_t count) {
    struct cobs c = {ring, next(at), at, 1U};
    uint16_t crc = crc16_byte(crc16_byte(CRC_START, type), seq);
    cobs_put(&c, type);
    cobs_put(&c, seq);
    for (uint8_t i = 0; i < count; i++) {
        uint8_t byte = payload[i];
        crc = crc16_byte(crc, byte);
        cobs_put(&c, byte);
    }
    cobs_put(&c, (uint8_t)(crc >> 8));
    cobs_put(&c, (uint8_t)crc);
    ring[c.code_at] = c.distance;
    ring[c.at] = 0U;
    return next(c.at);
}

static enum frame_event finish(struct frame_decoder *d) {
    uint8_t state = d->state;
    d->state = DECODER_BETWEEN;
    if (state != DECODER_WITHIN) {
        return FRAME_NONE;
    }
    if (d->to_code != 0U || d->length < FRAME_MIN_BYTES) {
        return FRAME_BAD_LENGTH;
    }
    return d->crc == 0U ? FRAME_GOOD : FRAME_BAD_CRC;
}

static enum frame_event begin(struct frame_decoder *d, uint8_t code) {
    if (d->state == DECODER_BETWEEN) {
        d->state = DECODER_WITHIN;
        d->to_code = (uint8_t)(code - 1U);
        d->length = 0U;
        d->crc = CRC_START;
    }
    return FRAME_NONE;
}

enum frame_event frame_decode(struct frame_decoder *d, uint8_t byte) {
    if (byte == 0U) {
        return finish(d);
    }
    if (d->state != DECODER_WITHIN) {
        return begin(d, byte);
    }
    uint8_t length = d->length;
    if (length == MAX_FRAME_BYTES) {
        d->state = DECODER_SKIPPING;
        return FRAME_BAD_LENGTH;
    }
    if (d->to_code == 0U) {
        d->to_code = byte;
        byte = 0U;
    }
    d->to_code--;
    d->crc = crc16_byte(d->crc, byte);
    if (length < FRAME_KEPT_BYTES) {
        d->body[length] = byte;
    }
    d->length = (uint8_t)(length + 1U);
    return FRAME_NONE;
}
