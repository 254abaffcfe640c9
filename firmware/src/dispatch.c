#include "dispatch.h"

#include "boards/board.h"
#include "boards/flash.h"
#include "configure.h"

#define CROWDED_BYTES 128U /* of the 256 that a board takes in while it is busy otherwise */

/* Answers go out at the end of the pass, when all that has come is handled: so no flood of requests costs a byte. */
static void handled(struct device *d, uint8_t type, uint8_t seq, enum result result, uint8_t due) {
    d->ack_type = type;
    d->ack_seq = seq;
    d->ack_result = (uint8_t)result;
    d->due |= due;
}

static void on_hello(struct device *d, uint8_t seq, const uint8_t *payload) {
    struct hello m;
    hello_unpack(&m, payload);
    safety_hello(&d->safety, m.proto_hash);
    d->nonce = m.nonce;
    handled(d, MSG_HELLO, seq, RESULT_OK, DUE_IDENT | DUE_STATUS);
}

__attribute__((cold)) /* built for size: a CONFIG has time, and a small board has no flash to spare */
static void on_config(struct device *d, uint8_t seq, const uint8_t *payload) {
    struct config m;
    config_unpack(&m, payload);
    enum result result = RESULT_WRONG_STATE;
    if (safety_may_configure(&d->safety)) {
        result = configure_check(&m, &board_info);
    }
    if (result == RESULT_OK) {
        safety_configure(&d->safety, &m, crc32(payload, MSG_BYTES_CONFIG));
        device_configured(d);
        d->period_due = true; /* before any pulse: the slew step is reckoned for it */
    }
    d->config_result = (uint8_t)result;
    handled(d, MSG_CONFIG, seq, result, DUE_CONFIG_ACK);
}

static void on_start(struct device *d, uint8_t seq, const uint8_t *payload) {
    struct start m;
    start_unpack(&m, payload);
    bool was_streaming = d->safety.streaming;
    enum result result = safety_start(&d->safety, m.config_crc, &d->inputs);
    if (d->safety.streaming && !was_streaming) {
        d->inputs.sample_index = 0U;
        d->fed_at_sample = 0U;
        board_sampling_start(&d->safety.config);
    }
    handled(d, MSG_START, seq, result, DUE_STATUS);
}

static void on_stop(struct device *d, uint8_t seq, const uint8_t *payload) {
    (void)payload;
    board_sampling_stop();
    safety_stop(&d->safety);
    handled(d, MSG_STOP, seq, RESULT_OK, DUE_STATUS);
}

static void on_arm(struct device *d, uint8_t seq, const uint8_t *payload) {
    struct arm m;
    arm_unpack(&m, payload);
    handled(d, MSG_ARM, seq, safety_arm(&d->safety, &m, &d->inputs), DUE_STATUS);
}

static void on_disarm(struct device *d, uint8_t seq, const uint8_t *payload) {
    (void)payload;
    safety_disarm(&d->safety);
    enum result result = d->safety.state == STATE_DISARMED ? RESULT_OK : RESULT_WRONG_STATE;
    handled(d, MSG_DISARM, seq, result, DUE_STATUS);
}

static void on_estop(struct device *d, uint8_t seq, const uint8_t *payload) {
    (void)payload;
    safety_estop(&d->safety);
    handled(d, MSG_ESTOP, seq, RESULT_OK, DUE_STATUS);
}

static void on_setpoint(struct device *d, uint8_t seq, const uint8_t *payload) {
    struct setpoint m;
    setpoint_unpack(&m, payload);
    safety_setpoint(&d->safety, &m, seq, &d->inputs);
}

static void on_ping(struct device *d, uint8_t seq, const uint8_t *payload) {
    (void)seq;
    struct ping m;
    ping_unpack(&m, payload);
    d->pong = (struct pong){.token = m.token, .t_us = board_clock_us(), .sample_index = d->inputs.sample_index};
    d->due |= DUE_PONG;
}

static void on_read_limits(struct device *d, uint8_t seq, const uint8_t *payload) {
    (void)payload;
    d->limits_result = RESULT_OK;
    handled(d, MSG_READ_LIMITS, seq, RESULT_OK, DUE_LIMITS);
}

static void on_write_limits(struct device *d, uint8_t seq, const uint8_t *payload) {
    enum result result = RESULT_WRONG_STATE;
    if (!d->safety.protocol_matches) {
        result = RESULT_BLOCKED; /* its WRITE_LIMITS may mean something else */
    } else if (d->safety.state == STATE_DISARMED) {
        result = limits_write(&d->limits, payload);
        device_limits_changed(d);
    }
    d->limits_result = (uint8_t)result;
    handled(d, MSG_WRITE_LIMITS, seq, result, DUE_LIMITS);
}

typedef void handler(struct device *d, uint8_t seq, const uint8_t *payload);

static const struct route {
    handler *handle;
    uint8_t type;
    uint8_t payload_bytes;
} ROUTES[] IN_FLASH = {
    {on_setpoint, MSG_SETPOINT, MSG_BYTES_SETPOINT}, {on_ping, MSG_PING, MSG_BYTES_PING},
    {on_estop, MSG_ESTOP, MSG_BYTES_ESTOP},          {on_disarm, MSG_DISARM, MSG_BYTES_DISARM},
    {on_arm, MSG_ARM, MSG_BYTES_ARM},                {on_stop, MSG_STOP, MSG_BYTES_STOP},
    {on_start, MSG_START, MSG_BYTES_START},          {on_config, MSG_CONFIG, MSG_BYTES_CONFIG},
    {on_hello, MSG_HELLO, MSG_BYTES_HELLO},          {on_read_limits, MSG_READ_LIMITS, MSG_BYTES_READ_LIMITS},
    {on_write_limits, MSG_WRITE_LIMITS, MSG_BYTES_WRITE_LIMITS},
};

static void count_gap(struct device *d, uint8_t type, uint8_t seq) {
    if (d->rx_seq_known && type != MSG_HELLO) {
        d->counters.seq_gaps = (uint16_t)(d->counters.seq_gaps + (uint8_t)(seq - d->rx_seq));
    }
    d->rx_seq_known = true;
    d->rx_seq = (uint8_t)(seq + 1U);
}

/* Of a flood whose handling takes longer than its bytes take on the line, only what stops the hand is handled. The other
   frames are dropped whole, as if they had never come, so that no byte of the next ones is lost. */
static bool crowded_out(uint8_t type) {
    return board_rx_waiting() >= CROWDED_BYTES && type != MSG_DISARM && type != MSG_ESTOP;
}

static void on_frame(struct device *d) {
    uint8_t type = d->decoder.body[0];
    uint8_t seq = d->decoder.body[1];
    uint8_t count = (uint8_t)(d->decoder.length - FRAME_MIN_BYTES);
    if (crowded_out(type)) {
        return;
    }
    count_gap(d, type, seq);
    for (uint8_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++) {
        if (flash_u8(&ROUTES[i].type) != type) {
            continue;
        }
        if (flash_u8(&ROUTES[i].payload_bytes) == count) {
            handler *handle = (handler *)flash_pointer(&ROUTES[i].handle);
            handle(d, seq, d->decoder.body + FRAME_HEAD_BYTES);
            d->pose_due = true;
        } else {
            d->counters.length_errors++;
        }
        return;
    }
    d->counters.unknown_types++;
}

void dispatch_byte(struct device *d, uint8_t byte) {
    switch (frame_decode(&d->decoder, byte)) {
    case FRAME_GOOD:
        on_frame(d);
        break;
    case FRAME_BAD_LENGTH:
        d->counters.length_errors++;
        break;
    case FRAME_BAD_CRC:
        d->counters.crc_errors++;
        break;
    case FRAME_NONE:
    default:
        break;
    }
}
