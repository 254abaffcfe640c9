#include "link.h"

#include <string.h>

#include "boards/board.h"
#include "version.h"

/* What may wait leaves room for what may not: everything for a STATUS, EMG for another answer too. */
#define STATUS_ROOM (MSG_BYTES_STATUS + FRAME_WIRE_OVERHEAD)
#define ANSWERS_ROOM (2U * STATUS_ROOM)

static bool send(struct device *d, uint8_t type, const uint8_t *payload, uint8_t count, uint16_t leave_free) {
    if (board_tx_free(d->tx_head) < count + FRAME_WIRE_OVERHEAD + leave_free) {
        return false;
    }
    d->tx_head = frame_encode(board_tx_ring, d->tx_head, type, d->tx_seq++, payload, count, board_tx_until);
    return true;
}

void link_send_status(struct device *d) {
    const struct safety *s = &d->safety;
    struct status m = {
        .state = s->state,
        .reason = s->reason,
        .blockers = safety_blockers(s),
        .flags = (uint8_t)((s->configured ? STATUS_FLAG_CONFIGURED : 0) | (s->streaming ? STATUS_FLAG_STREAMING : 0) |
                           (s->pulses_on ? STATUS_FLAG_PULSES_ON : 0)),
        .ack_type = d->ack_type,
        .ack_seq = d->ack_seq,
        .ack_result = d->ack_result,
        .challenge = s->challenge,
        .boot_id = s->boot_id,
        .config_crc = s->config_crc,
        .sample_index = d->inputs.sample_index,
        .t_us = board_clock_us(),
        .setpoint_seq = s->setpoint_seq,
        .supply_mv = s->supply_mv,
        .crc_errors = d->counters.crc_errors,
        .length_errors = d->counters.length_errors,
        .unknown_types = d->counters.unknown_types,
        .seq_gaps = d->counters.seq_gaps,
        .rx_overruns = board_rx_overruns(),
        .range_rejects = s->range_rejects,
        .stale_rejects = s->stale_rejects,
        .tx_drops = d->counters.tx_drops,
        .max_loop_us = d->max_loop_half_us / 2U,
    };
    memcpy(m.applied_cdeg, s->applied_cdeg, sizeof m.applied_cdeg);
    uint8_t payload[MSG_BYTES_STATUS];
    status_pack(&m, payload);
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
        .capabilities = board_info.capabilities,
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
