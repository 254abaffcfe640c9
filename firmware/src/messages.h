/* Messages of the wire protocol. Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdint.h>

#define PROTO_HASH 0x9FC15FDAUL
#define MAJOR 3U
#define MINOR 1U
#define MAX_FRAME_BYTES 254U
#define SERVOS 5U
#define ANGLE_MAX_CDEG 18000U
#define PULSE_MIN_US 500U
#define PULSE_MAX_US 2500U
#define SLEW_MIN_CDEG_PER_S 500U
#define SLEW_MAX_CDEG_PER_S 60000U
#define FIRST_MOVE_SLEW_CDEG_PER_S 6000U
#define FIRST_MOVE_DONE_CDEG 100U
#define JOG_SLEW_CDEG_PER_S 2000U
#define GUIDE_MAX_MS 45000U
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
#define DEFAULT_PULSE_MIN_US 1000U
#define DEFAULT_PULSE_MAX_US 2000U
#define BUTTON_DEBOUNCE_MS 20U
#define BUTTON_LONG_MS 2000U
#define BUTTON_LONGEST_MS 6000U
#define BUTTON_STUCK_MS 10000U

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
    REASON_GUIDE_OVER = 13,
    REASON_BUTTON_PRESSED = 14,
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
    RESULT_BAD_PERMISSION = 15,
    RESULT_BAD_OVERSAMPLING = 16,
    RESULT_WRITE_FAILED = 17,
};

enum reset_cause {
    RESET_CAUSE_UNKNOWN = 0,
    RESET_CAUSE_POWER_ON = 1,
    RESET_CAUSE_EXTERNAL = 2,
    RESET_CAUSE_BROWN_OUT = 3,
    RESET_CAUSE_WATCHDOG = 4,
};

enum sample_format {
    SAMPLE_FORMAT_INT16 = 1,
    SAMPLE_FORMAT_INT24 = 2,
};

enum permission {
    PERMISSION_NONE = 0,
    PERMISSION_DECODER = 1,
    PERMISSION_GUIDE = 2,
    PERMISSION_JOG = 3,
};

enum limits_state {
    LIMITS_STATE_DEFAULTS = 0,
    LIMITS_STATE_STORED = 1,
    LIMITS_STATE_WRITING = 2,
    LIMITS_STATE_DAMAGED = 3,
};

enum blocker {
    BLOCKER_PROTOCOL_DIFFERS = 1 << 0,
    BLOCKER_NOT_CONFIGURED = 1 << 1,
    BLOCKER_NOT_STREAMING = 1 << 2,
    BLOCKER_NOT_DISARMED = 1 << 3,
    BLOCKER_ESTOP_LATCHED = 1 << 4,
    BLOCKER_SAMPLING_STALLED = 1 << 5,
    BLOCKER_SUPPLY_LOW = 1 << 6,
    BLOCKER_BEYOND_LIMITS = 1 << 7,
    BLOCKER_NO_LIMITS = 1 << 8,
    BLOCKER_BUTTON_PRESSED = 1 << 9,
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

enum button {
    BUTTON_PRESSED = 1 << 0,
    BUTTON_STUCK = 1 << 1,
    BUTTON_LONG = 1 << 2,
    BUTTON_LONGEST = 1 << 3,
    BUTTON_SPENT = 1 << 4,
};

enum capability {
    CAPABILITY_SUPPLY_SENSE = 1 << 0,
    CAPABILITY_LEAD_OFF = 1 << 1,
    CAPABILITY_BUTTON = 1 << 2,
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
    MSG_READ_LIMITS = 0x0A,
    MSG_WRITE_LIMITS = 0x0B,
    MSG_LIMITS = 0x8A,
};

/* Payload bytes; an EMG's are only its fixed part. */
enum msg_bytes {
    MSG_BYTES_HELLO = 8,
    MSG_BYTES_IDENT = 27,
    MSG_BYTES_CONFIG = 71,
    MSG_BYTES_CONFIG_ACK = 7,
    MSG_BYTES_START = 4,
    MSG_BYTES_STOP = 0,
    MSG_BYTES_EMG = 6,
    MSG_BYTES_ARM = 9,
    MSG_BYTES_DISARM = 0,
    MSG_BYTES_ESTOP = 0,
    MSG_BYTES_SETPOINT = 15,
    MSG_BYTES_STATUS = 59,
    MSG_BYTES_PING = 4,
    MSG_BYTES_PONG = 12,
    MSG_BYTES_READ_LIMITS = 0,
    MSG_BYTES_WRITE_LIMITS = 41,
    MSG_BYTES_LIMITS = 43,
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

/* Opens a session; the board answers IDENT. The same in all versions from 2 on. */
struct hello {
    uint8_t major;
    uint8_t minor;
    uint16_t nonce; /* echoed by IDENT, so that an old answer is known as such */
    uint32_t proto_hash; /* hash of the host's protocol; a board with another one streams but refuses ARM */
};

static inline void hello_unpack(struct hello *m, const uint8_t *payload) {
    m->major = payload[0];
    m->minor = payload[1];
    m->nonce = get_u16(payload + 2);
    m->proto_hash = get_u32(payload + 4);
}

/* What the board is. The same in all versions from 2 on. */
struct ident {
    uint8_t major;
    uint8_t minor;
    uint16_t nonce; /* from HELLO */
    uint32_t proto_hash;
    uint8_t firmware_version[3]; /* major, minor, patch */
    uint32_t build; /* a hash of the sources and the compiler; 0 if unknown */
    uint8_t board; /* enum board */
    uint16_t boot_id; /* another one after each reset */
    uint8_t reset_cause; /* enum reset_cause */
    uint16_t capabilities; /* bits capability */
    uint8_t max_channels;
    uint8_t adc_bits; /* a sample spans -2^(adc_bits-1) .. 2^(adc_bits-1)-1; a sum of more conversions is longer (Boards, oversampling) */
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
    uint8_t oversampling; /* conversions of each channel in one sample (Boards, oversampling) */
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
    m->oversampling = payload[12];
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_min_cdeg[i] = get_u16(payload + 13 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_max_cdeg[i] = get_u16(payload + 23 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_safe_cdeg[i] = get_u16(payload + 33 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->pulse_0_us[i] = get_u16(payload + 43 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->pulse_180_us[i] = get_u16(payload + 53 + 2 * i);
    }
    m->servo_period_us = get_u16(payload + 63);
    m->slew_cdeg_per_s = get_u16(payload + 65);
    m->hold_ms = get_u16(payload + 67);
    m->relax_ms = get_u16(payload + 69);
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
    uint8_t permission; /* enum permission, but not none */
    uint16_t boot_id; /* of the last IDENT */
    uint32_t config_crc;
    uint16_t challenge; /* of the last STATUS: an ARM cannot be replayed */
};

static inline void arm_unpack(struct arm *m, const uint8_t *payload) {
    m->permission = payload[0];
    m->boot_id = get_u16(payload + 1);
    m->config_crc = get_u32(payload + 3);
    m->challenge = get_u16(payload + 7);
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

/* Every status_period_ms, on each change of state, and as the answer to a control message. Where its fields lie. */
enum status_at {
    STATUS_AT_STATE = 0, /* enum state */
    STATUS_AT_REASON = 1, /* enum reason */
    STATUS_AT_BLOCKERS = 2, /* bits blocker */
    STATUS_AT_FLAGS = 4, /* bits status_flag */
    STATUS_AT_ACK_TYPE = 5, /* type of the last control message handled; 0 before the first */
    STATUS_AT_ACK_SEQ = 6, /* its seq */
    STATUS_AT_ACK_RESULT = 7, /* enum result */
    STATUS_AT_CHALLENGE = 8, /* for ARM; another one after each change of state */
    STATUS_AT_BOOT_ID = 10, /* so that a reset between two frames is seen */
    STATUS_AT_CONFIG_CRC = 12,
    STATUS_AT_SAMPLE_INDEX = 16, /* next sample to be taken */
    STATUS_AT_T_US = 20, /* board's clock, wraps */
    STATUS_AT_SETPOINT_SEQ = 24, /* seq of the last accepted SETPOINT */
    STATUS_AT_APPLIED_CDEG = 25, /* what the servos are being told, after slew */
    STATUS_AT_SUPPLY_MV = 35, /* of the servos; 0: not measured */
    STATUS_AT_PERMISSION = 37, /* enum permission: what the ARM in force permits; none in DISARMED, FAULT and ESTOP */
    STATUS_AT_LIMITS_STATE = 38, /* enum limits_state */
    STATUS_AT_BUTTON = 39, /* bits button */
    STATUS_AT_BUTTON_PRESSES = 40, /* presses since the reset, wraps */
    STATUS_AT_CRC_ERRORS = 41, /* this and the following wrap at 65536 */
    STATUS_AT_LENGTH_ERRORS = 43, /* bad COBS, too long, or wrong length for the type */
    STATUS_AT_UNKNOWN_TYPES = 45,
    STATUS_AT_SEQ_GAPS = 47, /* frames from the host that never came */
    STATUS_AT_RX_OVERRUNS = 49, /* bytes lost before they were read */
    STATUS_AT_RANGE_REJECTS = 51, /* setpoints out of range */
    STATUS_AT_STALE_REJECTS = 53, /* setpoints too old, or older than the last */
    STATUS_AT_TX_DROPS = 55, /* EMG frames dropped because the line was full */
    STATUS_AT_MAX_LOOP_US = 57, /* longest pass of the main loop since the last STATUS */
};

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
    uint32_t t_us; /* board's clock when PING was handled */
    uint32_t sample_index; /* next sample to be taken then */
};

static inline void pong_pack(const struct pong *m, uint8_t *payload) {
    put_u32(payload, m->token);
    put_u32(payload + 4, m->t_us);
    put_u32(payload + 8, m->sample_index);
}

/* Stores servo limits in the board's EEPROM. Only while DISARMED. Answered by LIMITS at once, and again when they are written. */
struct write_limits {
    uint16_t servo_min_cdeg[5];
    uint16_t servo_max_cdeg[5];
    uint16_t pulse_0_us[5]; /* pulse width at 0 deg */
    uint16_t pulse_180_us[5]; /* pulse width at 180 deg; below pulse_0_us where closing shortens the pulse */
    uint8_t digital; /* bit for each servo that may be pulsed above 50 Hz */
};

static inline void write_limits_unpack(struct write_limits *m, const uint8_t *payload) {
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_min_cdeg[i] = get_u16(payload + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->servo_max_cdeg[i] = get_u16(payload + 10 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->pulse_0_us[i] = get_u16(payload + 20 + 2 * i);
    }
    for (uint8_t i = 0; i < 5; i++) {
        m->pulse_180_us[i] = get_u16(payload + 30 + 2 * i);
    }
    m->digital = payload[40];
}

/* The servo limits that hold. Answer to READ_LIMITS and WRITE_LIMITS, and sent once more when writing has ended. Where its fields lie. */
enum limits_at {
    LIMITS_AT_RESULT = 0, /* enum result */
    LIMITS_AT_STATE = 1, /* enum limits_state; where it is damaged, the limits say nothing */
    LIMITS_AT_SERVO_MIN_CDEG = 2,
    LIMITS_AT_SERVO_MAX_CDEG = 12,
    LIMITS_AT_PULSE_0_US = 22,
    LIMITS_AT_PULSE_180_US = 32,
    LIMITS_AT_DIGITAL = 42,
};

#endif
