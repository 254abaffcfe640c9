/* What a person sees and presses: the status LED and the button. */
#ifndef PANEL_H
#define PANEL_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

struct push_button {
    uint16_t steady_ms; /* how long the contact has not changed; stays at its greatest */
    bool down;          /* the contact, as of the last tick */
    bool pressed;       /* debounced */
    uint8_t presses;    /* wraps */
};

/* Each millisecond. True: it was pressed or let go, or is stuck from now on. */
bool button_tick(struct push_button *b, bool down);

uint8_t button_bits(const struct push_button *b); /* bits button */

/* The LED's patterns, of SAFETY.md: a state shows for 2 s and begins anew. */
bool led_lit(uint8_t state, uint32_t now_ms);

#endif
