/* Messages of the wire protocol. Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdint.h>

#define PROTO_HASH 0x4C3A13F0UL
#define MAJOR 2U
#define MINOR 0U
#define BAUD 500000UL
#define MAX_FRAME_BYTES 254U
#define SERVOS 5U
#define ANGLE_MAX_CDEG 18000U
#define PULSE_MIN_US 500U
#define PULSE_MAX_US 2500U
#define SLEW_MIN_CDEG_PER_S 500U
#define SLEW_MAX_CDEG_PER_S 60000U
#define FIRST_MOVE_SLEW_CDEG_PER_S 6000U
#define FIRST_MOVE_DONE_CDEG 100U
#define RELAX_SLEW_CDEG_PER_S 9000U
#define HOLD_MIN_MS 20U
#define HOLD_MAX_MS 150U
#define RELAX_MAX_MS 2000U
#define RESUME_CLEAN_MS 500U
#define RESUME_WINDOW_CDEG 500U
#define MAX_REJECTS_IN_ROW 5U
#define STALL_MS 50U
#define LINK_LOAD_MAX_PERCENT 90U
#define SUPPLY_MIN_MV 4500U
#define STATUS_PERIOD_MS 100U
#define SERVO_PERIOD_MIN_US 3003U
#define SERVO_PERIOD_MAX_US 20000U
#define SERVO_GAP_US 500U

enum state {
    STATE_BOOT = 0,
    STATE_DISARMED = 1,
    STATE_ARMED = 2,
    STATE_HOLD = 3,
    STATE_RELAX = 4,
    STATE_FAULT = 5,
    STATE_ESTOP = 6,
};

enum reason {
    REASON_NONE = 0,
    REASON_POWER_ON = 1,
    REASON_HOST_DISARMED = 2,
    REASON_HOST_ARMED = 3,
    REASON_SETPOINTS_RESUMED = 4,
    REASON_SETPOINTS_STOPPED = 5,
    REASON_SETPOINTS_REJECTED = 6,
    REASON_SILENT_TOO_LONG = 7,
    REASON_RELAXED = 8,
    REASON_HOST_ESTOP = 9,
    REASON_SAMPLING_STALLED = 10,
    REASON_SUPPLY_LOW = 11,
    REASON_STOPPED_STREAMING = 12,
};

enum result {
    RESULT_OK = 0,
    RESULT_WRONG_STATE = 1,
    RESULT_BAD_CHANNELS = 2,
    RESULT_BAD_PERIOD = 3,
    RESULT_BAD_SAMPLES_PER_FRAME = 4,
    RESULT_BAD_FORMAT = 5,
    RESULT_BAD_SERVO_RANGE = 6,
    RESULT_BAD_SLEW = 7,
    RESULT_BAD_TIMEOUTS = 8,
    RESULT_LINK_OVERLOAD = 9,
    RESULT_WRONG_CONFIG = 10,
    RESULT_WRONG_BOOT = 11,
    RESULT_WRONG_CHALLENGE = 12,
    RESULT_BLOCKED = 13,
    RESULT_BAD_SERVO_PERIOD = 14,
};

enum reset_cause {
    RESET_CAUSE_UNKNOWN = 0,
    RESET_CAUSE_POWER_ON = 1,
    RESET_CAUSE_EXTERNAL = 2,
    RESET_CAUSE_BROWN_OUT = 3,
    RESET_CAUSE_WATCHDOG = 4,
};

enum board {
    BOARD_SIMULATED = 0,
    BOARD_MEGA2560 = 1,
    BOARD_UNO = 2,
};

enum sample_format {
    SAMPLE_FORMAT_INT16 = 1,
};

enum blocker {
    BLOCKER_PROTOCOL_DIFFERS = 1 << 0,
    BLOCKER_NOT_CONFIGURED = 1 << 1,
    BLOCKER_NOT_STREAMING = 1 << 2,
    BLOCKER_NOT_DISARMED = 1 << 3,
    BLOCKER_ESTOP_LATCHED = 1 << 4,
    BLOCKER_SAMPLING_STALLED = 1 << 5,
    BLOCKER_SUPPLY_LOW = 1 << 6,
};

enum emg_flag {
    EMG_FLAG_ADC_OVERRUN = 1 << 0,
    EMG_FLAG_TX_DROP = 1 << 1,
    EMG_FLAG_LEAD_OFF = 1 << 2,
    EMG_FLAG_ARMED = 1 << 3,
};

enum status_flag {
    STATUS_FLAG_CONFIGURED = 1 << 0,
    STATUS_FLAG_STREAMING = 1 << 1,
    STATUS_FLAG_PULSES_ON = 1 << 2,
};

enum capability {
    CAPABILITY_SUPPLY_SENSE = 1 << 0,
    CAPABILITY_LEAD_OFF = 1 << 1,
};

enum msg {
    MSG_HELLO = 0x01,
    MSG_IDENT = 0x81,
    MSG_CONFIG = 0x02,
    MSG_CONFIG_ACK = 0x82,
    MSG_START = 0x03,
    MSG_STOP = 0x04,
    MSG_EMG = 0x84,
    MSG_ARM = 0x05,
    MSG_DISARM = 0x06,
    MSG_ESTOP = 0x07,
    MSG_SETPOINT = 0x08,
    MSG_STATUS = 0x88,
    MSG_PING = 0x09,
    MSG_PONG = 0x89,
};

/* Payload bytes; an EMG's are only its fixed part. */
enum msg_bytes {
    MSG_BYTES_HELLO = 8,
    MSG_BYTES_IDENT = 27,
    MSG_BYTES_CONFIG = 70,
    MSG_BYTES_CONFIG_ACK = 7,
    MSG_BYTES_START = 4,
    MSG_BYTES_STOP = 0,
    MSG_BYTES_EMG = 6,
    MSG_BYTES_ARM = 8,
    MSG_BYTES_DISARM = 0,
    MSG_BYTES_ESTOP = 0,
    MSG_BYTES_SETPOINT = 15,
    MSG_BYTES_STATUS = 55,
    MSG_BYTES_PING = 4,
    MSG_BYTES_PONG = 12,
};

static inline uint16_t get_u16(const uint8_t *at) {
    return (uint16_t)(at[0] | (uint16_t)((uint16_t)at[1] << 8));
}

static inline uint32_t get_u32(const uint8_t *at) {
    return get_u16(at) | ((uint32_t)get_u16(at + 2) << 16);
}

static inline uint64_t get_u64(const uint8_t *at) {
    return get_u32(at) | ((uint64_t)get_u32(at + 4) << 32);
}

static inline void put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, (uint16_t)value);
    put_u16(at + 2, (uint16_t)(value >> 16));
}

/* Opens a session; the device answers IDENT. The same in all versions from 2 on. */
struct hello {
    uint8_t major;
    uint8_t minor;
    uint16_t nonce; /* echoed by IDENT, so that an old answer is known as such */
    uint32_t proto_hash; /* hash of the host's protocol; a device with another one streams but refuses ARM */
};

static inline void hello_unpack(struct hello *m, const uint8_t *payload) {
    m->major = payload[0];
    m->minor = payload[1];
    m->nonce = get_u16(payload + 2);
    m->proto_hash = get_u32(payload + 4);
}

/* Who the device is. The same in all versions from 2 on. */
struct ident {
    uint8_t major;
    uint8_t minor;
    uint16_t nonce; /* from HELLO */
    uint32_t proto_hash;
    uint8_t firmware_version[3]; /* major, minor, patch */
    uint32_t build; /* first 32 bits of the source revision; 0 if unknown */
    uint8_t board; /* enum board */
    uint16_t boot_id; /* another one after each reset */
    uint8_t reset_cause; /* enum reset_cause */
    uint16_t capabilities; /* bits capability */
    uint8_t max_channels;
    uint8_t adc_bits; /* a sample spans -2^(adc_bits-1) .. 2^(adc_bits-1)-1 */
    uint32_t tick_hz; /* unit of sample_period_ticks */
};

static inline void ident_pack(const struct ident *m, uint8_t *payload) {
    payload[0] = m->major;
    payload[1] = m->minor;
    put_u16(payload + 2, m->nonce);
    put_u32(payload + 4, m->proto_hash);
    for (uint8_t i = 0; i < 3; i++) {
        payload[8 + i] = m->firmware_version[i];
    }
    put_u32(payload + 11, m->build);
    payload[15] = m->board;
    put_u16(payload + 16, m->boot_id);
    payload[18] = m->reset_cause;
    put_u16(payload + 19, m->capabilities);
    payload[21] = m->max_channels;
    payload[22] = m->adc_bits;
    put_u32(payload + 23, m->tick_hz);
}

/* Everything about a session. Only while DISARMED and not streaming; answered by CONFIG_ACK. */
struct config {
    uint64_t channel_mask; /* bit n: analogue input n is sampled; samples come in rising order of n */
    uint16_t sample_period_ticks; /* from one sample of a channel to its next */
    uint8_t samples_per_frame;
    uint8_t sample_format; /* enum sample_format */
    uint16_t servo_min_cdeg[5];
    uint16_t servo_max_cdeg[5];
    uint16_t servo_safe_cdeg[5]; /* pose of RELAX, within min and max */
    uint16_t pulse_0_us[5]; /* pulse width at 0 deg; above pulse_180_us where a servo is mounted the other way round */
    uint16_t pulse_180_us[5]; /* pulse width at 180 deg */
    uint16_t servo_period_us; /* from one pulse of a servo to its next; analogue servos burn below servo_period_max_us */
    uint16_t slew_cdeg_per_s;
    uint16_t hold_ms;
    uint16_t relax_ms;
};

static inline void config_unpack(struct config *m, const uint8_t *payload) {
    m->channel_mask = get_u64(payload);
    m->sample_period_ticks = get_u16(payload + 8);
    m->samples_per_frame = payload[10];
    m->sample_format = payload[11];
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_min_cdeg[i] = get_u16(payload + 12 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_max_cdeg[i] = get_u16(payload + 22 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_safe_cdeg[i] = get_u16(payload + 32 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->pulse_0_us[i] = get_u16(payload + 42 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->pulse_180_us[i] = get_u16(payload + 52 + 2 * i);
    }
    m->servo_period_us = get_u16(payload + 62);
    m->slew_cdeg_per_s = get_u16(payload + 64);
    m->hold_ms = get_u16(payload + 66);
    m->relax_ms = get_u16(payload + 68);
}

/* Answer to CONFIG. */
struct config_ack {
    uint8_t result; /* enum result */
    uint16_t sample_period_ticks; /* the one in force */
    uint32_t config_crc; /* CRC-32 of the payload of the CONFIG in force; 0 if none */
};

static inline void config_ack_pack(const struct config_ack *m, uint8_t *payload) {
    payload[0] = m->result;
    put_u16(payload + 1, m->sample_period_ticks);
    put_u32(payload + 3, m->config_crc);
}

/* Starts sampling at sample_index 0. Answered by STATUS. */
struct start {
    uint32_t config_crc;
};

static inline void start_unpack(struct start *m, const uint8_t *payload) {
    m->config_crc = get_u32(payload);
}

/* `samples` follow: n x channels values of i16, all channels of the first sample, then of the next. */
struct emg {
    uint32_t sample_index; /* of the first sample in the frame, counted from START, wraps */
    uint8_t n; /* samples in this frame */
    uint8_t flags; /* bits emg_flag */
};

static inline void emg_pack(const struct emg *m, uint8_t *payload) {
    put_u32(payload, m->sample_index);
    payload[4] = m->n;
    payload[5] = m->flags;
}

/* Permission to move. Only from DISARMED, with no blocker. Answered by STATUS. */
struct arm {
    uint16_t boot_id; /* of the last IDENT */
    uint32_t config_crc;
    uint16_t challenge; /* of the last STATUS: an ARM cannot be replayed */
};

static inline void arm_unpack(struct arm *m, const uint8_t *payload) {
    m->boot_id = get_u16(payload);
    m->config_crc = get_u32(payload + 2);
    m->challenge = get_u16(payload + 6);
}

/* Where the five servos shall go. Not answered, never sent again. */
struct setpoint {
    uint16_t angle_cdeg[5]; /* thumb index middle ring little; 0 open, 18000 closed */
    uint8_t valid_4ms; /* in 4 ms: the oldest that based_on_sample may be when this arrives */
    uint32_t based_on_sample; /* newest sample_index that the decision saw; never goes back */
};

static inline void setpoint_unpack(struct setpoint *m, const uint8_t *payload) {
    for (uint8_t i = 0; i < 5; i++) {
        m->angle_cdeg[i] = get_u16(payload + 2 * i);
    }
    m->valid_4ms = payload[10];
    m->based_on_sample = get_u32(payload + 11);
}

/* Every status_period_ms, on each change of state, and as the answer to a control message. */
struct status {
    uint8_t state; /* enum state */
    uint8_t reason; /* enum reason */
    uint16_t blockers; /* bits blocker */
    uint8_t flags; /* bits status_flag */
    uint8_t ack_type; /* type of the last control message handled; 0 before the first */
    uint8_t ack_seq; /* its seq */
    uint8_t ack_result; /* enum result */
    uint16_t challenge; /* for ARM; another one after each change of state */
    uint16_t boot_id; /* so that a reset between two frames is seen */
    uint32_t config_crc;
    uint32_t sample_index; /* next sample to be taken */
    uint32_t t_us; /* device clock, wraps */
    uint8_t setpoint_seq; /* seq of the last accepted SETPOINT */
    uint16_t applied_cdeg[5]; /* what the servos are being told, after slew */
    uint16_t supply_mv; /* 0: not measured */
    uint16_t crc_errors; /* this and the following wrap at 65536 */
    uint16_t length_errors; /* bad COBS, too long, or wrong length for the type */
    uint16_t unknown_types;
    uint16_t seq_gaps; /* frames from the host that never came */
    uint16_t rx_overruns; /* bytes lost before they were read */
    uint16_t range_rejects; /* setpoints out of range */
    uint16_t stale_rejects; /* setpoints too old, or older than the last */
    uint16_t tx_drops; /* EMG frames dropped because the line was full */
    uint16_t max_loop_us; /* longest pass of the main loop since the last STATUS */
};

static inline void status_pack(const struct status *m, uint8_t *payload) {
    payload[0] = m->state;
    payload[1] = m->reason;
    put_u16(payload + 2, m->blockers);
    payload[4] = m->flags;
    payload[5] = m->ack_type;
    payload[6] = m->ack_seq;
    payload[7] = m->ack_result;
    put_u16(payload + 8, m->challenge);
    put_u16(payload + 10, m->boot_id);
    put_u32(payload + 12, m->config_crc);
    put_u32(payload + 16, m->sample_index);
    put_u32(payload + 20, m->t_us);
    payload[24] = m->setpoint_seq;
    for (uint8_t i = 0; i < 5; i++) {
        put_u16(payload + 25 + 2 * i, m->applied_cdeg[i]);
    }
    put_u16(payload + 35, m->supply_mv);
    put_u16(payload + 37, m->crc_errors);
    put_u16(payload + 39, m->length_errors);
    put_u16(payload + 41, m->unknown_types);
    put_u16(payload + 43, m->seq_gaps);
    put_u16(payload + 45, m->rx_overruns);
    put_u16(payload + 47, m->range_rejects);
    put_u16(payload + 49, m->stale_rejects);
    put_u16(payload + 51, m->tx_drops);
    put_u16(payload + 53, m->max_loop_us);
}

/* Clock and liveness; not a permission to move. */
struct ping {
    uint32_t token;
};

static inline void ping_unpack(struct ping *m, const uint8_t *payload) {
    m->token = get_u32(payload);
}

/* Answer to PING. */
struct pong {
    uint32_t token;
    uint32_t t_us; /* device clock when PING was handled */
    uint32_t sample_index; /* next sample to be taken then */
};

static inline void pong_pack(const struct pong *m, uint8_t *payload) {
    put_u32(payload, m->token);
    put_u32(payload + 4, m->t_us);
    put_u32(payload + 8, m->sample_index);
}

#endif
