/* Framing: type, seq, payload and CRC-32, COBS-encoded, ended by a zero byte (PROTOCOL.md, Bytes and Receiving). */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

#define FRAME_HEAD_BYTES 2U  /* type, seq */
#define FRAME_CRC_BYTES 4U
#define FRAME_MIN_BYTES (FRAME_HEAD_BYTES + FRAME_CRC_BYTES)
#define FRAME_MAX_PAYLOAD (MAX_FRAME_BYTES - FRAME_MIN_BYTES)
#define FRAME_WIRE_OVERHEAD (FRAME_MIN_BYTES + 2U) /* on the wire beyond the payload: with COBS code and ending zero */

/* CRC-32/ISO-HDLC, zlib's. Of any bytes and their own CRC, low byte first, it is always CRC_OF_WHOLE. */
#define CRC_OF_WHOLE UINT32_C(0x2144DF1C)
uint32_t crc32(const uint8_t *bytes, uint8_t count);

/* Bytes that go out lie in a ring, so that one pass encodes and queues them. */
#define TX_RING_BYTES 512U

/* Writes one frame into the ring from position `at`; gives the position after its ending zero.
   The caller has made sure of payload_bytes + FRAME_WIRE_OVERHEAD free bytes.
   `settled` is told how far the ring will not change any more, once early, for the line to begin with, and at the end. */
typedef void frame_settled(uint16_t end);
uint16_t frame_encode(uint8_t *ring, uint16_t at, uint8_t type, uint8_t seq, const uint8_t *payload, uint8_t count,
                      frame_settled *settled);

enum frame_event { FRAME_NONE, FRAME_GOOD, FRAME_BAD_LENGTH, FRAME_BAD_CRC };

/* Longer frames are checked and counted like others, but only their head is kept: no message to us is longer. */
#define FRAME_KEPT_BYTES (FRAME_HEAD_BYTES + MSG_BYTES_CONFIG)

enum decoder_state {
    DECODER_BETWEEN, /* nothing yet: the next byte is the first code byte */
    DECODER_WITHIN,
    DECODER_SKIPPING /* too long: drop everything up to the next zero */
};

/* The one unfinished frame. All zero is its start. */
struct frame_decoder {
    uint8_t body[FRAME_KEPT_BYTES]; /* type, seq, payload; whole when frame_decode says FRAME_GOOD */
    uint8_t length;                 /* of the frame so far, with its CRC */
    uint8_t to_code;                /* data bytes that still come before the next code byte */
    uint32_t crc;                   /* running, without its final inversion */
    uint8_t state;                  /* enum decoder_state */
};

enum frame_event frame_decode(struct frame_decoder *d, uint8_t byte);

#endif
