#include "link.h"

#include <assert.h>
#include <string.h>

#include "boards/board.h"
#include "boards/flash.h"
#include "version.h"

/* What may wait leaves room for what may not: everything for a STATUS, EMG for another answer too. */
#define STATUS_ROOM (MSG_BYTES_STATUS + FRAME_WIRE_OVERHEAD)
#define ANSWERS_ROOM (2U * STATUS_ROOM)

static_assert(MSG_BYTES_LIMITS == LIMITS_AT_SERVO_MIN_CDEG + MSG_BYTES_WRITE_LIMITS, "it ends with what WRITE_LIMITS carries");

static bool has_room(const struct device *d, uint8_t payload_bytes, uint16_t leave_free) {
    return board_tx_free(d->tx_head) >= payload_bytes + FRAME_WIRE_OVERHEAD + leave_free;
}

static void send(struct device *d, uint8_t type, const uint8_t *payload, uint8_t count) {
    d->tx_head = frame_encode(board_tx_ring, d->tx_head, type, d->tx_seq++, payload, count, board_tx_until);
}

static void put_counters(const struct device *d, uint8_t *payload) {
    const struct safety *s = &d->safety;
    put_u16(payload + STATUS_AT_CRC_ERRORS, d->counters.crc_errors);
    put_u16(payload + STATUS_AT_LENGTH_ERRORS, d->counters.length_errors);
    put_u16(payload + STATUS_AT_UNKNOWN_TYPES, d->counters.unknown_types);
    put_u16(payload + STATUS_AT_SEQ_GAPS, d->counters.seq_gaps);
    put_u16(payload + STATUS_AT_RX_OVERRUNS, board_rx_overruns());
    put_u16(payload + STATUS_AT_RANGE_REJECTS, s->range_rejects);
    put_u16(payload + STATUS_AT_STALE_REJECTS, s->stale_rejects);
    put_u16(payload + STATUS_AT_TX_DROPS, d->counters.tx_drops);
    put_u16(payload + STATUS_AT_MAX_LOOP_US, d->max_loop_half_us / 2U);
}

static void put_safety(const struct safety *s, uint8_t *payload) {
    payload[STATUS_AT_STATE] = s->state;
    payload[STATUS_AT_REASON] = s->reason;
    put_u16(payload + STATUS_AT_BLOCKERS, safety_blockers(s));
    payload[STATUS_AT_FLAGS] = (uint8_t)((s->configured ? STATUS_FLAG_CONFIGURED : 0) |
                                         (s->streaming ? STATUS_FLAG_STREAMING : 0) |
                                         (s->pulses_on ? STATUS_FLAG_PULSES_ON : 0));
    put_u16(payload + STATUS_AT_CHALLENGE, s->challenge);
    put_u16(payload + STATUS_AT_BOOT_ID, s->boot_id);
    put_u32(payload + STATUS_AT_CONFIG_CRC, s->config_crc);
    payload[STATUS_AT_SETPOINT_SEQ] = s->setpoint_seq;
    for (uint8_t i = 0; i < SERVOS; i++) {
        put_u16(payload + STATUS_AT_APPLIED_CDEG + 2U * i, s->applied_cdeg[i]);
    }
    put_u16(payload + STATUS_AT_SUPPLY_MV, s->supply_mv);
    payload[STATUS_AT_PERMISSION] = s->permission;
}

static void put_status(struct device *d, uint8_t *payload) {
    put_safety(&d->safety, payload);
    payload[STATUS_AT_ACK_TYPE] = d->ack_type;
    payload[STATUS_AT_ACK_SEQ] = d->ack_seq;
    payload[STATUS_AT_ACK_RESULT] = d->ack_result;
    put_u32(payload + STATUS_AT_SAMPLE_INDEX, d->inputs.sample_index);
    put_u32(payload + STATUS_AT_T_US, board_clock_us());
    payload[STATUS_AT_LIMITS_STATE] = d->limits.state;
    payload[STATUS_AT_BUTTON] = d->button.bits;
    payload[STATUS_AT_BUTTON_PRESSES] = d->button.presses;
    put_counters(d, payload);
    d->status_ms = d->inputs.now_ms;
    d->max_loop_half_us = 0U;
}

static void put_ident(struct device *d, uint8_t *payload) {
    struct ident m = {
        .major = MAJOR,
        .minor = MINOR,
        .nonce = d->nonce,
        .proto_hash = PROTO_HASH,
        .firmware_version = FIRMWARE_VERSION,
        .build = BUILD_REVISION,
        .board = board_info.board,
        .boot_id = d->safety.boot_id,
        .reset_cause = (uint8_t)board_reset_cause(),
        .capabilities = board_capabilities(),
        .max_channels = board_info.max_channels,
        .adc_bits = board_info.adc_bits,
        .tick_hz = board_info.tick_hz,
    };
    ident_pack(&m, payload);
}

static void put_config_ack(struct device *d, uint8_t *payload) {
    struct config_ack m = {
        .result = d->config_result,
        .sample_period_ticks = d->safety.config.sample_period_ticks,
        .config_crc = d->safety.config_crc,
    };
    config_ack_pack(&m, payload);
}

static void put_limits(struct device *d, uint8_t *payload) {
    payload[LIMITS_AT_RESULT] = d->limits_result;
    payload[LIMITS_AT_STATE] = d->limits.state;
    memcpy(payload + LIMITS_AT_SERVO_MIN_CDEG, limits_payload(&d->limits), MSG_BYTES_WRITE_LIMITS);
}

static void put_pong(struct device *d, uint8_t *payload) {
    pong_pack(&d->pong, payload);
}

/* In the order of enum due. */
static const struct answer {
    void (*put)(struct device *d, uint8_t *payload);
    uint8_t type;
    uint8_t payload_bytes;
    uint8_t leave_free;
} ANSWERS[] IN_FLASH = {
    {put_ident, MSG_IDENT, MSG_BYTES_IDENT, STATUS_ROOM},
    {put_config_ack, MSG_CONFIG_ACK, MSG_BYTES_CONFIG_ACK, STATUS_ROOM},
    {put_limits, MSG_LIMITS, MSG_BYTES_LIMITS, STATUS_ROOM},
    {put_pong, MSG_PONG, MSG_BYTES_PONG, STATUS_ROOM},
    {put_status, MSG_STATUS, MSG_BYTES_STATUS, 0U},
};
static_assert(DUE_STATUS == 1 << (sizeof ANSWERS / sizeof ANSWERS[0] - 1U), "an answer for each bit");

__attribute__((noinline)) /* or its payload would lie on the stack while requests are handled, too */
void link_send_due(struct device *d) {
    uint8_t payload[MSG_BYTES_STATUS]; /* the longest */
    uint8_t bit = 1U;
    for (const struct answer *answer = ANSWERS; d->due >= bit; answer++, bit = (uint8_t)(bit << 1)) {
        uint8_t count = flash_u8(&answer->payload_bytes);
        if ((d->due & bit) == 0U || !has_room(d, count, flash_u8(&answer->leave_free))) {
            continue;
        }
        d->due = (uint8_t)(d->due & ~bit);
        void (*put)(struct device *, uint8_t *) = (void (*)(struct device *, uint8_t *))flash_pointer(&answer->put);
        put(d, payload);
        send(d, flash_u8(&answer->type), payload, count);
    }
}

void link_send_emg(struct device *d) {
    uint8_t flags = (uint8_t)((d->tx_dropped ? EMG_FLAG_TX_DROP : 0) |
                              (d->safety.state == STATE_ARMED ? EMG_FLAG_ARMED : 0));
    const uint8_t *payload = emg_oldest(&board_emg, d->inputs.sample_index, flags);
    d->tx_dropped = !has_room(d, board_emg.payload_bytes, ANSWERS_ROOM);
    if (d->tx_dropped) {
        d->counters.tx_drops++;
    } else {
        send(d, MSG_EMG, payload, board_emg.payload_bytes);
    }
    emg_done(&board_emg);
}
