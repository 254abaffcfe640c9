#include "frame.h"

#include <assert.h>

#include "crc_table.h"

static_assert(MAX_FRAME_BYTES <= 254U, "COBS then costs exactly one byte");

#define EARLY_BYTES (MSG_BYTES_EMG + 4U) /* of a payload: most have a zero among them, up to which all is settled */
#define CRC_START UINT32_C(0xFFFFFFFF)
#define CRC_OF_GOOD_FRAME (~CRC_OF_WHOLE) /* running, that is before the final inversion */

static inline uint32_t crc_add(uint32_t crc, uint8_t byte) {
    return (crc >> 8) ^ flash_u32(&CRC_TABLE[(uint8_t)crc ^ byte]);
}

uint32_t crc32(const uint8_t *bytes, uint8_t count) {
    uint32_t crc = CRC_START;
    for (uint8_t i = 0; i < count; i++) {
        crc = crc_add(crc, bytes[i]);
    }
    return ~crc;
}

struct cobs {
    uint8_t *ring;
    uint8_t *at;
    uint8_t *code;    /* where the distance goes that is being counted */
    uint8_t distance; /* from there to `at` */
};

static inline uint8_t *next(const struct cobs *c) {
    uint8_t *following = c->at + 1;
    return following == c->ring + TX_RING_BYTES ? c->ring : following;
}

static inline void cobs_put(struct cobs *c, uint8_t byte) {
    if (byte == 0U) {
        *c->code = c->distance;
        c->code = c->at;
        c->distance = 1U;
    } else {
        *c->at = byte;
        c->distance++;
    }
    c->at = next(c);
}

static inline uint32_t put_all(struct cobs *c, uint32_t crc, const uint8_t *bytes, uint8_t count) {
    for (uint8_t i = 0; i < count; i++) {
        uint8_t byte = bytes[i];
        crc = crc_add(crc, byte);
        cobs_put(c, byte);
    }
    return crc;
}

uint16_t frame_encode(uint8_t *ring, uint16_t at, uint8_t type, uint8_t seq, const uint8_t *payload, uint8_t count,
                      frame_settled *settled) {
    struct cobs c = {ring, ring + at, ring + at, 1U};
    uint32_t crc = crc_add(crc_add(CRC_START, type), seq);
    uint8_t early = count < EARLY_BYTES ? count : EARLY_BYTES;
    c.at = next(&c);
    cobs_put(&c, type);
    cobs_put(&c, seq);
    crc = put_all(&c, crc, payload, early);
    settled((uint16_t)(c.code - ring)); /* the distance that goes there is not yet known */
    crc = ~put_all(&c, crc, payload + early, (uint8_t)(count - early));
    for (uint8_t i = 0; i < FRAME_CRC_BYTES; i++) {
        cobs_put(&c, (uint8_t)crc);
        crc >>= 8;
    }
    *c.code = c.distance;
    *c.at = 0U;
    uint16_t end = (uint16_t)(next(&c) - ring);
    settled(end);
    return end;
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
    return d->crc == CRC_OF_GOOD_FRAME ? FRAME_GOOD : FRAME_BAD_CRC;
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
    uint8_t to_code = d->to_code;
    if (to_code == 0U) {
        to_code = byte;
        byte = 0U;
    }
    d->to_code = (uint8_t)(to_code - 1U);
    uint8_t length = d->length;
    if (length < FRAME_KEPT_BYTES) {
        d->body[length] = byte;
    } else if (length == MAX_FRAME_BYTES) {
        d->state = DECODER_SKIPPING;
        return FRAME_BAD_LENGTH;
    }
    d->length = (uint8_t)(length + 1U);
    d->crc = crc_add(d->crc, byte);
    return FRAME_NONE;
}
