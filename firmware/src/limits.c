#include "limits.h"

#include <assert.h>
#include <string.h>

#include "boards/board.h"
#include "safety.h"
#include "servo_map.h"

#define COPIES 2U
#define COPY_AT(copy) ((uint16_t)(16U + 64U * (copy))) /* in the EEPROM; the bytes before are the board's own */
#define MAGIC 0x4CU
#define VERSION 1U
#define BLANK 0xFFU
#define BUSY_MAX_MS 20U /* a byte takes 3.4 ms: an EEPROM that takes six times as long is broken */

static_assert(LIMITS_RECORD_BYTES <= 64U, "a copy has its place");
static_assert(MAGIC != BLANK, "a blank copy is none");

enum record_byte { AT_MAGIC, AT_VERSION, AT_COUNT };

/* ---- The record ---- */

/* What WRITE_LIMITS carries is read where it lies: a small board's stack has no room for a second form of it. */
enum field { FIELD_MIN_CDEG, FIELD_MAX_CDEG, FIELD_PULSE_0_US, FIELD_PULSE_180_US, FIELD_COUNT };
#define DIGITAL_AT (2U * FIELD_COUNT * SERVOS)
static_assert(MSG_BYTES_WRITE_LIMITS == DIGITAL_AT + 1U, "four fields of each servo, and a byte");

static uint16_t field(const uint8_t *payload, enum field field, uint8_t servo) {
    return get_u16(payload + 2U * (field * SERVOS + servo));
}

static bool limits_fit(const uint8_t *payload) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        uint16_t max_cdeg = field(payload, FIELD_MAX_CDEG, i);
        if (field(payload, FIELD_MIN_CDEG, i) > max_cdeg || max_cdeg > ANGLE_MAX_CDEG ||
            !pulses_fit(field(payload, FIELD_PULSE_0_US, i), field(payload, FIELD_PULSE_180_US, i))) {
            return false;
        }
    }
    return payload[DIGITAL_AT] <= ALL_SERVOS;
}

static bool whole(const uint8_t *record) {
    return record[AT_MAGIC] == MAGIC && record[AT_VERSION] == VERSION &&
           crc32(record, LIMITS_RECORD_BYTES) == CRC_OF_WHOLE && limits_fit(record + LIMITS_RECORD_HEAD);
}

/* ---- Reading ---- */

static uint8_t stored_byte(uint8_t copy, uint8_t at) {
    return board_eeprom_read((uint16_t)(COPY_AT(copy) + at));
}

/* Whether the copy is whole; it is in `record` then. */
static bool read_copy(struct limits_store *l, uint8_t copy) {
    for (uint8_t i = 0; i < LIMITS_RECORD_BYTES; i++) {
        l->record[i] = stored_byte(copy, i);
    }
    l->copy = copy;
    return whole(l->record);
}

static bool holds_record(const struct limits_store *l, uint8_t copy) {
    for (uint8_t i = 0; i < LIMITS_RECORD_BYTES; i++) {
        if (stored_byte(copy, i) != l->record[i]) {
            return false;
        }
    }
    return true;
}

static bool blank(uint8_t copy) {
    for (uint8_t i = 0; i < LIMITS_RECORD_BYTES; i++) {
        if (stored_byte(copy, i) != BLANK) {
            return false;
        }
    }
    return true;
}

static void set_defaults(struct limits_store *l) {
    uint8_t *payload = l->record + LIMITS_RECORD_HEAD; /* the least angles and `digital` stay 0 */
    for (uint8_t i = 0; i < SERVOS; i++) {
        put_u16(payload + 2U * (FIELD_MAX_CDEG * SERVOS + i), ANGLE_MAX_CDEG);
        put_u16(payload + 2U * (FIELD_PULSE_0_US * SERVOS + i), DEFAULT_PULSE_MIN_US);
        put_u16(payload + 2U * (FIELD_PULSE_180_US * SERVOS + i), DEFAULT_PULSE_MAX_US);
    }
}

static void write_from(struct limits_store *l, uint8_t copy, uint8_t copies) {
    l->copy = copy;
    l->copies_left = copies;
    l->at = 0U;
}

/* Leaves the newest whole copy in `record`. */
static bool read_newest(struct limits_store *l) {
    bool first = read_copy(l, 0U);
    uint8_t count = l->record[AT_COUNT];
    bool second = read_copy(l, 1U);
    bool newer = second && (!first || (int8_t)(l->record[AT_COUNT] - count) > 0);
    return newer || read_copy(l, 0U);
}

void limits_load(struct limits_store *l) {
    memset(l, 0, sizeof *l);
    if (board_eeprom_busy()) {
        l->state = LIMITS_STATE_DAMAGED;
        return;
    }
    if (read_newest(l)) {
        l->state = LIMITS_STATE_STORED;
        uint8_t other = (uint8_t)(l->copy ^ 1U);
        if (!holds_record(l, other)) {
            write_from(l, other, 1U);
        }
        return;
    }
    memset(l->record, 0, sizeof l->record);
    l->state = LIMITS_STATE_DAMAGED;
    if (blank(0U) || blank(1U)) { /* the other is blank too, or its first writing was cut off */
        l->state = LIMITS_STATE_DEFAULTS;
        set_defaults(l);
    }
}

/* ---- Writing ---- */

static void seal(struct limits_store *l) {
    l->record[AT_MAGIC] = MAGIC;
    l->record[AT_VERSION] = VERSION;
    l->record[AT_COUNT]++;
    uint32_t crc = crc32(l->record, LIMITS_RECORD_BYTES - FRAME_CRC_BYTES);
    put_u32(l->record + LIMITS_RECORD_BYTES - FRAME_CRC_BYTES, crc);
}

enum result limits_write(struct limits_store *l, const uint8_t *payload) {
    if (!limits_fit(payload)) {
        return RESULT_BAD_SERVO_RANGE;
    }
    bool known = l->state == LIMITS_STATE_STORED || l->state == LIMITS_STATE_WRITING;
    if (known && memcmp(payload, limits_payload(l), MSG_BYTES_WRITE_LIMITS) == 0) {
        return RESULT_OK;
    }
    if (l->copies_left != 0U) {
        return RESULT_WRONG_STATE;
    }
    memcpy(l->record + LIMITS_RECORD_HEAD, payload, MSG_BYTES_WRITE_LIMITS);
    seal(l);
    l->state = LIMITS_STATE_WRITING;
    write_from(l, (uint8_t)(l->copy ^ 1U), COPIES);
    return RESULT_OK;
}

/* The magic is taken away first and put back last: what lies between never counts. */
static void write_byte(struct limits_store *l) {
    uint8_t at = l->at % LIMITS_RECORD_BYTES;
    uint8_t byte = l->at == 0U ? BLANK : l->record[at];
    if (stored_byte(l->copy, at) != byte) {
        board_eeprom_write((uint16_t)(COPY_AT(l->copy) + at), byte);
    }
}

static bool over(struct limits_store *l, bool reads_back) {
    l->copies_left = 0U;
    if (l->state != LIMITS_STATE_WRITING) {
        return false; /* a copy was only mended */
    }
    l->state = reads_back ? LIMITS_STATE_STORED : LIMITS_STATE_DAMAGED;
    return true;
}

bool limits_step(struct limits_store *l) {
    if (l->copies_left == 0U) {
        return false;
    }
    if (board_eeprom_busy()) {
        l->busy_ms++;
        return l->busy_ms >= BUSY_MAX_MS && over(l, false);
    }
    l->busy_ms = 0U;
    if (l->at <= LIMITS_RECORD_BYTES) {
        write_byte(l);
        l->at++;
        return false;
    }
    if (l->copies_left > 1U) {
        write_from(l, (uint8_t)(l->copy ^ 1U), 1U);
        return false;
    }
    return over(l, holds_record(l, 0U) && holds_record(l, 1U));
}

enum result limits_result(const struct limits_store *l) {
    return l->state == LIMITS_STATE_STORED ? RESULT_OK : RESULT_WRITE_FAILED;
}

const uint8_t *limits_payload(const struct limits_store *l) {
    return l->record + LIMITS_RECORD_HEAD;
}

/* ---- What they allow ---- */

struct span {
    uint16_t low;
    uint16_t high;
};

/* The pulses of a servo between two angles, in half us. */
static struct span span(uint16_t pulse_0_us, uint16_t pulse_180_us, uint16_t min_cdeg, uint16_t max_cdeg) {
    int16_t slope = servo_slope(pulse_0_us, pulse_180_us);
    uint16_t at_min = servo_pulse(pulse_0_us, slope, min_cdeg);
    uint16_t at_max = servo_pulse(pulse_0_us, slope, max_cdeg);
    return slope < 0 ? (struct span){at_max, at_min} : (struct span){at_min, at_max};
}

/* What a servo may get; where what is stored is damaged, what every servo takes. */
static struct span held_span(const struct limits_store *l, uint8_t i) {
    const uint8_t *payload = limits_payload(l);
    if (l->state == LIMITS_STATE_DAMAGED) {
        return (struct span){2U * DEFAULT_PULSE_MIN_US, 2U * DEFAULT_PULSE_MAX_US};
    }
    return span(field(payload, FIELD_PULSE_0_US, i), field(payload, FIELD_PULSE_180_US, i), field(payload, FIELD_MIN_CDEG, i),
                field(payload, FIELD_MAX_CDEG, i));
}

bool limits_allow_pulse(const struct limits_store *l, uint8_t servo, uint16_t pulse_half_us) {
    struct span ours = held_span(l, servo);
    return ours.low <= pulse_half_us && pulse_half_us <= ours.high;
}

static bool allow_servo(const struct limits_store *l, const struct config *c, uint8_t i) {
    const uint8_t *payload = limits_payload(l);
    bool reversed = field(payload, FIELD_PULSE_180_US, i) < field(payload, FIELD_PULSE_0_US, i);
    if (l->state == LIMITS_STATE_STORED && reversed != (c->pulse_180_us[i] < c->pulse_0_us[i])) {
        return false; /* closing would open it */
    }
    struct span ours = held_span(l, i);
    struct span theirs = span(c->pulse_0_us[i], c->pulse_180_us[i], c->servo_min_cdeg[i], c->servo_max_cdeg[i]);
    return ours.low <= theirs.low && theirs.high <= ours.high;
}

static bool allow(const struct limits_store *l, const struct config *c) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        if (!allow_servo(l, c, i)) {
            return false;
        }
    }
    return c->servo_period_us == SERVO_PERIOD_MAX_US || limits_payload(l)[DIGITAL_AT] == ALL_SERVOS;
}

uint16_t limits_blockers(const struct limits_store *l, const struct config *config) {
    if (l->state == LIMITS_STATE_WRITING || l->state == LIMITS_STATE_DAMAGED) {
        return BLOCKER_NO_LIMITS;
    }
    return config == NULL || allow(l, config) ? 0U : BLOCKER_BEYOND_LIMITS;
}
