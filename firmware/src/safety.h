/* When the hand may move, and how: the state table of PROTOCOL.md (States). Pure: what happened and the time go in,
   state, applied angles and pulses_on come out. The hazards that each rule answers stand in SAFETY.md. */
#ifndef SAFETY_H
#define SAFETY_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

/* What the rules see of the world. */
struct safety_inputs {
    uint32_t now_ms;
    uint32_t sample_index; /* next sample to be taken */
    uint16_t supply_mv;    /* of the servos; 0: not measured */
};

struct safety {
    uint8_t state;          /* enum state */
    uint8_t reason;         /* enum reason */
    bool pulses_on;
    bool protocol_matches;  /* the host's proto_hash is ours */
    bool configured;
    bool streaming;
    uint8_t permission;     /* enum permission: of the ARM in force */
    bool stalled;           /* streaming, and no new sample for stall_ms */
    uint16_t boot_id;
    uint16_t challenge;     /* an ARM must repeat it */
    uint16_t armed_by;      /* the challenge that armed the hand */
    uint16_t ticks_per_4ms; /* of the sample period's unit */
    uint32_t config_crc;    /* 0: not configured */
    struct config config;   /* in force */
    uint16_t supply_mv;
    bool starts_within;       /* at CONFIG, the angles were within the board's servo limits */
    uint16_t limits_blockers; /* bits blocker: what the board's servo limits say to this CONFIG (limits.h) */
    bool button_pressed;      /* debounced (panel.h) */

    uint32_t sample_index;  /* as of the last look, and when it last moved */
    uint32_t sample_ms;

    uint16_t armed_ms;      /* ARM; the low 16 bits, which outlast a guide */
    uint32_t accepted_ms;   /* last accepted setpoint, or ARM */
    uint32_t moving_ms;     /* the same, in ARMED only */
    uint32_t clean_ms;      /* HOLD: start of the run of clean setpoints */
    uint32_t based_on;      /* based_on_sample of the last accepted setpoint */
    bool any_accepted;      /* since ARM */
    bool clean;             /* HOLD: such a run is under way */
    uint8_t rejects_in_row;
    uint8_t reached;        /* bit for each servo that has once come near its setpoint after ARM */
    uint8_t setpoint_seq;
    uint16_t range_rejects;
    uint16_t stale_rejects;

    uint16_t step_cdeg;            /* in a servo period at most, by the configured slew */
    uint16_t first_step_cdeg;      /* until each servo has reached its setpoint after ARM */
    uint16_t relax_step_cdeg;      /* and with the permission guide */
    uint16_t jog_step_cdeg;        /* with the permission jog */
    uint16_t target_cdeg[SERVOS];
    uint16_t applied_cdeg[SERVOS]; /* what the servos are being told by the running pulses */
    uint16_t told_cdeg[SERVOS];    /* what the next pulses will tell them */
};

#define ALL_SERVOS ((1U << SERVOS) - 1U)

void safety_init(struct safety *s, uint16_t boot_id, uint16_t ticks_per_4ms); /* to BOOT */
void safety_started(struct safety *s);                                        /* BOOT to DISARMED */

void safety_hello(struct safety *s, uint32_t proto_hash);
bool safety_may_configure(const struct safety *s);
/* Brings a CONFIG that has been checked into force. A servo whose pulse widths it changes, as the first one since boot does,
   is put on its safe pose: the old angle would be another pulse. */
void safety_configure(struct safety *s, const struct config *config, uint32_t config_crc);
enum result safety_start(struct safety *s, uint32_t config_crc, const struct safety_inputs *in);
void safety_stop(struct safety *s);
enum result safety_arm(struct safety *s, const struct arm *arm, const struct safety_inputs *in);
void safety_disarm(struct safety *s);
void safety_estop(struct safety *s);
void safety_setpoint(struct safety *s, const struct setpoint *sp, uint8_t seq, const struct safety_inputs *in);

/* The debounced button. A press ends every motion at once; true: this one did. */
bool safety_button(struct safety *s, bool pressed);

/* The rules that time alone triggers. Call it at least every few milliseconds. */
void safety_tick(struct safety *s, const struct safety_inputs *in);

uint16_t safety_blockers(const struct safety *s); /* bits blocker */

/* Motion. A servo's next pulse may be told anew as often as one likes until it begins; what was told when it began
   is then applied, and the following step starts from there: one slew step a pulse, whatever the host does. */
void safety_next_pose(const struct safety *s, uint16_t *pose_cdeg);
void safety_told(struct safety *s, const uint16_t *pose_cdeg);
void safety_pulses_begun(struct safety *s, uint8_t servos);

#endif
