/* What a person sees and presses: the status LED and the button. */
#ifndef PANEL_H
#define PANEL_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

struct push_button {
    uint16_t held_ms;  /* length of this press, or of the last one; stays at BUTTON_STUCK_MS */
    int8_t level;      /* rises while the contact is closed, falls while it is open; a press begins at the top and ends at 0 */
    uint8_t presses;   /* wraps */
    uint8_t bits;      /* bits button */
    bool seen_up;      /* since the start: until then, a press is stuck */
};

/* Each millisecond. True: it was pressed or let go, or has reached one of the lengths. */
bool button_tick(struct push_button *b, bool down);

/* What the LED shows: a state, that the hand acts, or the length of a press. */
enum light { LIGHT_ACTING = STATE_ESTOP + 1, LIGHT_SHORT, LIGHT_LONG, LIGHT_LONGEST };

/* The press that is under way, unless it asks for nothing; else the state. */
uint8_t panel_light(const struct push_button *b, uint8_t state, uint8_t permission);

/* The LED's patterns, of SAFETY.md: one lasts 2 s and begins anew. */
bool led_lit(uint8_t light, uint32_t now_ms);

#endif
