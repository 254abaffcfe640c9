#include "safety.h"

#include <assert.h>
#include <string.h>

#include "angles.h"
#include "boards/flash.h"
#include "configure.h"

#define US_PER_S 1000000UL
static_assert((uint64_t)SLEW_MAX_CDEG_PER_S * SERVO_PERIOD_MAX_US <= UINT32_MAX, "a step can be worked out in 32 bits");
static_assert(FIRST_MOVE_SLEW_CDEG_PER_S <= RELAX_SLEW_CDEG_PER_S, "a guide's first move is no faster than the others");
static_assert(ANGLE_MAX_CDEG + SLEW_MAX_CDEG_PER_S * (uint64_t)SERVO_PERIOD_MAX_US / US_PER_S <= UINT16_MAX,
              "an angle and a step fit in 16 bits");

/* ---- The state table ---- */

enum event {
    EVENT_ESTOP,
    EVENT_STARTED,
    EVENT_DISARM,
    EVENT_BUTTON,
    EVENT_STOP,
    EVENT_STALLED,
    EVENT_SUPPLY_LOW,
    EVENT_ARM,
    EVENT_GUIDE_OVER,
    EVENT_SILENT,
    EVENT_REJECTS,
    EVENT_RESUMED,
    EVENT_SILENT_TOO_LONG,
    EVENT_COUNT
};

#define IN(state) (1U << (state))
#define MOVABLE (IN(STATE_ARMED) | IN(STATE_HOLD) | IN(STATE_RELAX))
#define SOUND (IN(STATE_DISARMED) | MOVABLE)
struct rule {
    uint8_t from; /* bit for each state */
    uint8_t to;
    uint8_t reason;
};

/* In the order of PROTOCOL.md. ESTOP stands in no `from`: only a reset leaves it. No rule leads back to where it began:
   a state keeps the reason of its beginning. */
static const struct rule RULES[EVENT_COUNT] IN_FLASH = {
    [EVENT_ESTOP] = {IN(STATE_BOOT) | SOUND | IN(STATE_FAULT), STATE_ESTOP, REASON_HOST_ESTOP},
    [EVENT_STARTED] = {IN(STATE_BOOT), STATE_DISARMED, REASON_POWER_ON},
    [EVENT_DISARM] = {MOVABLE | IN(STATE_FAULT), STATE_DISARMED, REASON_HOST_DISARMED},
    [EVENT_BUTTON] = {MOVABLE, STATE_DISARMED, REASON_BUTTON_PRESSED},
    [EVENT_STOP] = {MOVABLE, STATE_DISARMED, REASON_STOPPED_STREAMING},
    [EVENT_STALLED] = {SOUND, STATE_FAULT, REASON_SAMPLING_STALLED},
    [EVENT_SUPPLY_LOW] = {SOUND, STATE_FAULT, REASON_SUPPLY_LOW},
    [EVENT_ARM] = {IN(STATE_DISARMED), STATE_ARMED, REASON_HOST_ARMED},
    [EVENT_GUIDE_OVER] = {IN(STATE_ARMED) | IN(STATE_HOLD), STATE_RELAX, REASON_GUIDE_OVER},
    [EVENT_SILENT] = {IN(STATE_ARMED), STATE_HOLD, REASON_SETPOINTS_STOPPED},
    [EVENT_REJECTS] = {IN(STATE_ARMED), STATE_HOLD, REASON_SETPOINTS_REJECTED},
    [EVENT_RESUMED] = {IN(STATE_HOLD), STATE_ARMED, REASON_SETPOINTS_RESUMED},
    [EVENT_SILENT_TOO_LONG] = {IN(STATE_HOLD), STATE_RELAX, REASON_SILENT_TOO_LONG},
};

static_assert(STATE_BOOT == 0, "all zero is BOOT: no pulses");
static_assert(STATE_ESTOP < 8, "a set of states is a byte");
static_assert((SOUND & (IN(STATE_BOOT) | IN(STATE_FAULT) | IN(STATE_ESTOP))) == 0U, "these three have their own ways out");
static_assert((SOUND | IN(STATE_BOOT) | IN(STATE_FAULT) | IN(STATE_ESTOP)) == 0x7FU, "a new state needs its place here");
static_assert(SERVOS <= 8U, "a set of servos is a byte");

static void happened(struct safety *s, enum event event) {
    const struct rule *rule = &RULES[event];
    if ((flash_u8(&rule->from) & IN(s->state)) != 0U) {
        s->state = flash_u8(&rule->to);
        s->reason = flash_u8(&rule->reason);
        s->pulses_on = (MOVABLE & IN(s->state)) != 0U;
        if (!s->pulses_on) {
            s->permission = PERMISSION_NONE;
        }
        s->challenge = (uint16_t)(s->challenge * 25173UL + 13849U); /* full period: never the same twice running */
    }
}

/* ---- Permission ---- */

void safety_init(struct safety *s, uint16_t boot_id, uint16_t ticks_per_4ms) {
    memset(s, 0, sizeof *s);
    s->boot_id = boot_id;
    s->challenge = boot_id;
    s->ticks_per_4ms = ticks_per_4ms;
}

void safety_started(struct safety *s) {
    happened(s, EVENT_STARTED);
}

void safety_hello(struct safety *s, uint32_t proto_hash) {
    s->protocol_matches = proto_hash == PROTO_HASH;
}

bool safety_may_configure(const struct safety *s) {
    return s->state == STATE_DISARMED && !s->streaming;
}

/* What a slew moves in one servo period, rounded down. */
static uint16_t step_cdeg(uint16_t cdeg_per_s, uint16_t servo_period_us) {
    return (uint16_t)((uint32_t)cdeg_per_s * servo_period_us / US_PER_S);
}

void safety_configure(struct safety *s, const struct config *config, uint32_t config_crc) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        bool known = s->configured && same_pulses(config, &s->config, i);
        uint16_t applied = known ? s->applied_cdeg[i] : config->servo_safe_cdeg[i];
        s->applied_cdeg[i] = within(applied, config->servo_min_cdeg[i], config->servo_max_cdeg[i]);
        s->told_cdeg[i] = s->applied_cdeg[i];
    }
    s->step_cdeg = step_cdeg(config->slew_cdeg_per_s, config->servo_period_us);
    s->first_step_cdeg = at_most(s->step_cdeg, step_cdeg(FIRST_MOVE_SLEW_CDEG_PER_S, config->servo_period_us));
    s->relax_step_cdeg = at_most(s->step_cdeg, step_cdeg(RELAX_SLEW_CDEG_PER_S, config->servo_period_us));
    s->jog_step_cdeg = at_most(s->step_cdeg, step_cdeg(JOG_SLEW_CDEG_PER_S, config->servo_period_us));
    s->config = *config;
    s->config_crc = config_crc;
    s->configured = true;
}

enum result safety_start(struct safety *s, uint32_t config_crc, const struct safety_inputs *in) {
    if (!s->configured || config_crc != s->config_crc) {
        return RESULT_WRONG_CONFIG;
    }
    if (!s->streaming) {
        s->streaming = true;
        s->sample_index = 0U;
        s->sample_ms = in->now_ms;
    }
    return RESULT_OK;
}

void safety_stop(struct safety *s) {
    s->streaming = false;
    s->stalled = false;
    happened(s, EVENT_STOP);
}

static bool supply_low(const struct safety *s) {
    return s->supply_mv != 0U && s->supply_mv < SUPPLY_MIN_MV;
}

uint16_t safety_blockers(const struct safety *s) {
    bool disarmed = s->state == STATE_DISARMED || s->state == STATE_ESTOP; /* which has a bit of its own */
    return (uint16_t)((s->protocol_matches ? 0U : BLOCKER_PROTOCOL_DIFFERS) |
                      (s->configured ? 0U : BLOCKER_NOT_CONFIGURED) | (s->streaming ? 0U : BLOCKER_NOT_STREAMING) |
                      (disarmed ? 0U : BLOCKER_NOT_DISARMED) |
                      (s->state == STATE_ESTOP ? BLOCKER_ESTOP_LATCHED : 0U) |
                      (s->stalled ? BLOCKER_SAMPLING_STALLED : 0U) | (supply_low(s) ? BLOCKER_SUPPLY_LOW : 0U) |
                      (s->button_pressed ? BLOCKER_BUTTON_PRESSED : 0U) | s->limits_blockers);
}

/* A person at the keys looks for the ends that are to be stored: jog, slow as it is, may go beyond the limits at 50 Hz. */
static bool blocked(const struct safety *s, uint8_t permission) {
    bool beyond = permission == PERMISSION_JOG && s->starts_within && s->config.servo_period_us == SERVO_PERIOD_MAX_US;
    return (safety_blockers(s) & ~(beyond ? BLOCKER_BEYOND_LIMITS | BLOCKER_NO_LIMITS : 0U)) != 0U;
}

enum result safety_arm(struct safety *s, const struct arm *arm, const struct safety_inputs *in) {
    if (arm->boot_id != s->boot_id) {
        return RESULT_WRONG_BOOT;
    }
    if (!s->configured || arm->config_crc != s->config_crc) {
        return RESULT_WRONG_CONFIG;
    }
    if (arm->permission == PERMISSION_NONE || arm->permission > PERMISSION_JOG) {
        return RESULT_BAD_PERMISSION;
    }
    if (s->state == STATE_ARMED && arm->challenge == s->armed_by && arm->permission == s->permission) {
        return RESULT_OK; /* the answer to the first one was lost */
    }
    if (blocked(s, arm->permission)) {
        return RESULT_BLOCKED;
    }
    if (arm->challenge != s->challenge) {
        return RESULT_WRONG_CHALLENGE;
    }
    s->armed_by = s->challenge;
    s->armed_ms = (uint16_t)in->now_ms;
    s->accepted_ms = in->now_ms;
    s->moving_ms = in->now_ms;
    s->any_accepted = false;
    s->rejects_in_row = 0U;
    s->reached = 0U;
    memcpy(s->target_cdeg, s->applied_cdeg, sizeof s->target_cdeg);
    s->permission = arm->permission;
    happened(s, EVENT_ARM);
    return RESULT_OK;
}

void safety_disarm(struct safety *s) {
    happened(s, EVENT_DISARM);
}

void safety_estop(struct safety *s) {
    happened(s, EVENT_ESTOP);
}

bool safety_button(struct safety *s, bool pressed) {
    bool ends_motion = pressed && !s->button_pressed && s->pulses_on;
    s->button_pressed = pressed;
    if (ends_motion) {
        happened(s, EVENT_BUTTON);
    }
    return ends_motion;
}

/* ---- Setpoints ---- */

static bool in_range(const struct safety *s, const struct setpoint *sp) {
    for (uint8_t i = 0; i < SERVOS; i++) {
        if (sp->angle_cdeg[i] < s->config.servo_min_cdeg[i] || sp->angle_cdeg[i] > s->config.servo_max_cdeg[i]) {
            return false;
        }
    }
    return true;
}

static bool stale(const struct safety *s, const struct setpoint *sp, uint32_t sample_index) {
    uint32_t age = sample_index - 1U - sp->based_on_sample; /* of the newest sample: 0; of one to come: very large */
    if (age > 0xFFFFU) {
        return true;
    }
    bool too_old = age * s->config.sample_period_ticks > (uint32_t)sp->valid_4ms * s->ticks_per_4ms;
    bool backwards = s->any_accepted && ((sp->based_on_sample - s->based_on) & 0x80000000UL) != 0U;
    return too_old || backwards;
}

static void rejected(struct safety *s) {
    s->clean = false;
    s->rejects_in_row++;
    if (s->rejects_in_row >= MAX_REJECTS_IN_ROW) {
        happened(s, EVENT_REJECTS);
    }
}

/* In HOLD: whether this setpoint completes a clean run. */
static bool resumes(struct safety *s, const struct setpoint *sp, uint32_t now_ms) {
    bool run = s->clean && now_ms - s->accepted_ms < s->config.hold_ms;
    s->clean = true;
    for (uint8_t i = 0; i < SERVOS; i++) {
        s->clean = s->clean && near_pose(sp->angle_cdeg, s->applied_cdeg, i, RESUME_WINDOW_CDEG);
    }
    if (!run) {
        s->clean_ms = now_ms;
    }
    return s->clean && now_ms - s->clean_ms >= RESUME_CLEAN_MS;
}

static void accepted(struct safety *s, const struct setpoint *sp, uint8_t seq, uint32_t now_ms) {
    if (s->state == STATE_HOLD && resumes(s, sp, now_ms)) {
        happened(s, EVENT_RESUMED);
    }
    s->accepted_ms = now_ms;
    s->any_accepted = true;
    s->based_on = sp->based_on_sample;
    s->setpoint_seq = seq;
    s->rejects_in_row = 0U;
    if (s->state == STATE_ARMED) {
        s->moving_ms = now_ms;
        memcpy(s->target_cdeg, sp->angle_cdeg, sizeof s->target_cdeg);
    }
}

void safety_setpoint(struct safety *s, const struct setpoint *sp, uint8_t seq, const struct safety_inputs *in) {
    safety_tick(s, in); /* a setpoint that comes too late finds the state that its lateness has led to */
    if (s->state != STATE_ARMED && s->state != STATE_HOLD) {
        return;
    }
    if (!in_range(s, sp)) {
        s->range_rejects++;
        rejected(s);
    } else if (stale(s, sp, in->sample_index)) {
        s->stale_rejects++;
        rejected(s);
    } else {
        accepted(s, sp, seq, in->now_ms);
    }
}

/* ---- Time ---- */

void safety_tick(struct safety *s, const struct safety_inputs *in) {
    if (in->sample_index != s->sample_index) {
        s->sample_index = in->sample_index;
        s->sample_ms = in->now_ms;
    }
    s->stalled = s->streaming && in->now_ms - s->sample_ms > STALL_MS;
    s->supply_mv = in->supply_mv;
    if (s->stalled) {
        happened(s, EVENT_STALLED);
    } else if (supply_low(s)) {
        happened(s, EVENT_SUPPLY_LOW);
    } else if (s->permission == PERMISSION_GUIDE && (uint16_t)((uint16_t)in->now_ms - s->armed_ms) >= GUIDE_MAX_MS) {
        happened(s, EVENT_GUIDE_OVER);
    } else if (s->state == STATE_ARMED && in->now_ms - s->accepted_ms >= s->config.hold_ms) {
        happened(s, EVENT_SILENT);
    } else if (s->state == STATE_HOLD && in->now_ms - s->moving_ms >= s->config.relax_ms) {
        happened(s, EVENT_SILENT_TOO_LONG);
    }
}

/* ---- Motion ---- */

void safety_next_pose(const struct safety *s, uint16_t *pose_cdeg) {
    const uint16_t *goal = s->applied_cdeg; /* stay, in every state but these two */
    uint16_t step = s->step_cdeg;
    if (s->state == STATE_ARMED) {
        goal = s->target_cdeg;
        if (s->permission == PERMISSION_JOG) {
            step = s->jog_step_cdeg;
        } else if (s->reached != ALL_SERVOS) {
            step = s->first_step_cdeg;
        } else if (s->permission == PERMISSION_GUIDE) {
            step = s->relax_step_cdeg;
        }
    } else if (s->state == STATE_RELAX && s->permission != PERMISSION_JOG) {
        goal = s->config.servo_safe_cdeg;
        step = s->relax_step_cdeg;
    }
    for (uint8_t i = 0; i < SERVOS; i++) {
        pose_cdeg[i] = toward(s->applied_cdeg[i], goal[i], step);
    }
}

void safety_told(struct safety *s, const uint16_t *pose_cdeg) {
    memcpy(s->told_cdeg, pose_cdeg, sizeof s->told_cdeg);
}

void safety_pulses_begun(struct safety *s, uint8_t servos) {
    if (!s->pulses_on) {
        return;
    }
    bool safe = true;
    for (uint8_t i = 0; i < SERVOS; i++) {
        if ((servos & (1U << i)) != 0U) {
            s->applied_cdeg[i] = s->told_cdeg[i];
        }
        if (s->state == STATE_ARMED && s->any_accepted && near_pose(s->applied_cdeg, s->target_cdeg, i, FIRST_MOVE_DONE_CDEG)) {
            s->reached = (uint8_t)(s->reached | (1U << i));
        }
        safe = safe && s->applied_cdeg[i] == s->config.servo_safe_cdeg[i];
    }
    if (s->state == STATE_RELAX && (safe || s->permission == PERMISSION_JOG)) { /* a jog moves nothing without a key */
        s->pulses_on = false;
        s->reason = REASON_RELAXED;
    }
}
