/* The servo limits that the board holds in its EEPROM: which pulses a servo may ever get. CONFIG can only tighten them.

   Two copies of one record lie in the EEPROM: magic, version, count of writings, what WRITE_LIMITS carried, CRC-32. They are
   written one after the other, each with its magic last, so that a power cut at any byte leaves the old limits or the new.
   Where neither copy is whole, the narrow defaults hold if one is blank: nothing was ever stored. Otherwise what was stored
   is damaged; then no limits hold, and ARM is refused, for the defaults may be wider than what was stored. */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define LIMITS_RECORD_HEAD 3U /* magic, version, count of writings */
#define LIMITS_RECORD_BYTES (LIMITS_RECORD_HEAD + MSG_BYTES_WRITE_LIMITS + FRAME_CRC_BYTES)

struct limits_store {
    uint8_t record[LIMITS_RECORD_BYTES]; /* the one that holds, or that is being written */
    uint8_t state;                       /* enum limits_state */
    uint8_t copy;                        /* the newest whole one; while writing, the one being written */
    uint8_t copies_left;                 /* to be written; 0: nothing is */
    uint8_t at;                          /* how far the one being written has got */
    uint8_t busy_ms;                     /* how long the EEPROM has not been ready for the next byte */
};

/* Reads the EEPROM at the start. A copy that is damaged or older is then written anew by limits_step. An EEPROM that is not
   ready to be read holds damaged limits. */
void limits_load(struct limits_store *l);

/* Begins to write what WRITE_LIMITS carries, unless it makes no sense (RESULT_BAD_SERVO_RANGE), or something else is being
   written (RESULT_WRONG_STATE). What is already stored or being written is RESULT_OK and not written again. */
enum result limits_write(struct limits_store *l, const uint8_t *payload);

/* Each millisecond: takes writing a byte further if the EEPROM is ready. True: writing new limits is over (limits_result). */
bool limits_step(struct limits_store *l);

/* RESULT_OK, or RESULT_WRITE_FAILED if what was written did not read back. */
enum result limits_result(const struct limits_store *l);

/* What LIMITS tells: in the form of WRITE_LIMITS. */
const uint8_t *limits_payload(const struct limits_store *l);

/* Bits blocker: whether ARM is refused because of these limits, with this CONFIG in force (NULL: none). */
uint16_t limits_blockers(const struct limits_store *l, const struct config *config);

/* Whether a pulse lies within what holds for a servo, or, where that is damaged, within the defaults. */
bool limits_allow_pulse(const struct limits_store *l, uint8_t servo, uint16_t pulse_half_us);

#endif
