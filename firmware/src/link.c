#include "link.h"

#include <assert.h>
#include <string.h>

#include "boards/board.h"
#include "version.h"

/* What may wait leaves room for what may not: everything for a STATUS, EMG for another answer too. */
#define STATUS_ROOM (MSG_BYTES_STATUS + FRAME_WIRE_OVERHEAD)
#define ANSWERS_ROOM (2U * STATUS_ROOM)

static_assert(MSG_BYTES_LIMITS == LIMITS_AT_SERVO_MIN_CDEG + MSG_BYTES_WRITE_LIMITS, "it ends with what WRITE_LIMITS carries");

static bool send(struct device *d, uint8_t type, const uint8_t *payload, uint8_t count, uint16_t leave_free) {
    if (board_tx_free(d->tx_head) < count + FRAME_WIRE_OVERHEAD + leave_free) {
        return false;
    }
    d->tx_head = frame_encode(board_tx_ring, d->tx_head, type, d->tx_seq++, payload, count, board_tx_until);
    return true;
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

void link_send_status(struct device *d) {
    uint8_t payload[MSG_BYTES_STATUS];
    put_safety(&d->safety, payload);
    payload[STATUS_AT_ACK_TYPE] = d->ack_type;
    payload[STATUS_AT_ACK_SEQ] = d->ack_seq;
    payload[STATUS_AT_ACK_RESULT] = d->ack_result;
    put_u32(payload + STATUS_AT_SAMPLE_INDEX, d->inputs.sample_index);
    put_u32(payload + STATUS_AT_T_US, board_clock_us());
    payload[STATUS_AT_LIMITS_STATE] = d->limits.state;
    payload[STATUS_AT_BUTTON] = button_bits(&d->button);
    payload[STATUS_AT_BUTTON_PRESSES] = d->button.presses;
    put_counters(d, payload);
    d->status_due = !send(d, MSG_STATUS, payload, MSG_BYTES_STATUS, 0U);
    if (!d->status_due) {
        d->status_ms = d->inputs.now_ms;
        d->max_loop_half_us = 0U;
    }
}

void link_send_ident(struct device *d, uint16_t nonce) {
    struct ident m = {
        .major = MAJOR,
        .minor = MINOR,
        .nonce = nonce,
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
    uint8_t payload[MSG_BYTES_IDENT];
    ident_pack(&m, payload);
    (void)send(d, MSG_IDENT, payload, MSG_BYTES_IDENT, STATUS_ROOM);
}

void link_send_config_ack(struct device *d, enum result result) {
    struct config_ack m = {
        .result = (uint8_t)result,
        .sample_period_ticks = d->safety.config.sample_period_ticks,
        .config_crc = d->safety.config_crc,
    };
    uint8_t payload[MSG_BYTES_CONFIG_ACK];
    config_ack_pack(&m, payload);
    (void)send(d, MSG_CONFIG_ACK, payload, MSG_BYTES_CONFIG_ACK, STATUS_ROOM);
}

void link_send_limits(struct device *d, enum result result) {
    uint8_t payload[MSG_BYTES_LIMITS];
    payload[LIMITS_AT_RESULT] = (uint8_t)result;
    payload[LIMITS_AT_STATE] = d->limits.state;
    memcpy(payload + LIMITS_AT_SERVO_MIN_CDEG, limits_payload(&d->limits), MSG_BYTES_WRITE_LIMITS);
    (void)send(d, MSG_LIMITS, payload, MSG_BYTES_LIMITS, STATUS_ROOM);
}

void link_send_pong(struct device *d, uint32_t token) {
    struct pong m = {.token = token, .t_us = board_clock_us(), .sample_index = d->inputs.sample_index};
    uint8_t payload[MSG_BYTES_PONG];
    pong_pack(&m, payload);
    (void)send(d, MSG_PONG, payload, MSG_BYTES_PONG, STATUS_ROOM);
}

void link_send_emg(struct device *d) {
    uint8_t flags = (uint8_t)((d->tx_dropped ? EMG_FLAG_TX_DROP : 0) |
                              (d->safety.state == STATE_ARMED ? EMG_FLAG_ARMED : 0));
    const uint8_t *payload = emg_oldest(&board_emg, d->inputs.sample_index, flags);
    d->tx_dropped = !send(d, MSG_EMG, payload, board_emg.payload_bytes, ANSWERS_ROOM);
    if (d->tx_dropped) {
        d->counters.tx_drops++;
    }
    emg_done(&board_emg);
}
