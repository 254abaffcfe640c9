/*
 * One direction of the serial line, as the waveform that it is: each byte is ten bits at its sender's speed, and a
 * receiver looks for a falling edge and samples the middle of each bit at its own speed. So what is sent at another
 * speed arrives as the framing errors and the garbage that it is in reality.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <stdlib.h>

static const wire_byte_t *nth(const wire_t *w, size_t n) { return &w->bytes[(w->head + n) % w->capacity]; }

static uint64_t end_of(const wire_byte_t *b) { return b->start + (uint64_t)BITS_PER_BYTE * b->bit_cycles; }

static bool bit_level(const wire_byte_t *b, unsigned bit) { /* the start bit is low, the stop bit high */
    return bit > 0 && (bit == BITS_PER_BYTE - 1 || (b->byte >> (bit - 1) & 1) != 0);
}

static void grow(wire_t *w) {
    size_t capacity = w->capacity > 0 ? 2 * w->capacity : 64;
    wire_byte_t *bytes = malloc(capacity * sizeof *bytes);
    if (bytes == NULL) {
        fputs("hand-sim: out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < w->count; i++) {
        bytes[i] = *nth(w, i);
    }
    free(w->bytes);
    *w = (wire_t){bytes, 0, w->count, capacity, w->free_at};
}

void wire_put(wire_t *w, uint64_t not_before, uint64_t bit_cycles, uint8_t byte) {
    if (w->count == w->capacity) {
        grow(w);
    }
    uint64_t start = not_before > w->free_at ? not_before : w->free_at;
    wire_byte_t *last = &w->bytes[(w->head + w->count++) % w->capacity];
    *last = (wire_byte_t){start, bit_cycles, byte};
    w->free_at = end_of(last);
}

static bool level_at(const wire_t *w, uint64_t when) {
    for (size_t i = 0; i < w->count; i++) {
        const wire_byte_t *b = nth(w, i);
        if (when < b->start) {
            return true;
        }
        if (when < end_of(b)) {
            return bit_level(b, (unsigned)((when - b->start) / b->bit_cycles));
        }
    }
    return true;
}

static void drop_until(wire_t *w, uint64_t when) {
    while (w->count > 0 && end_of(nth(w, 0)) <= when) {
        w->head = (w->head + 1) % w->capacity;
        w->count--;
    }
}

static uint64_t falling_edge(const wire_t *w, uint64_t from) {
    for (size_t i = 0; i < w->count; i++) {
        const wire_byte_t *b = nth(w, i);
        for (unsigned bit = 0; bit < BITS_PER_BYTE - 1; bit++) {
            uint64_t when = b->start + bit * b->bit_cycles;
            if (when >= from && !bit_level(b, bit) && (bit == 0 || bit_level(b, bit - 1))) {
                return when;
            }
        }
    }
    return NEVER;
}

static void search(const wire_t *w, ear_t *e, uint64_t bit_cycles) {
    e->bit_cycles = bit_cycles;
    e->edge = falling_edge(w, e->from);
    e->due = e->edge == NEVER ? NEVER : e->edge + e->bit_cycles / 2;
    e->started = false;
}

void ear_listen(wire_t *w, ear_t *e, uint64_t now, uint64_t bit_cycles) {
    if (e->edge <= now && e->due != NEVER) {
        return; /* within a byte, which is received at the speed with which it began */
    }
    drop_until(w, e->from);
    search(w, e, bit_cycles);
}

void ear_deafen(wire_t *w, ear_t *e, uint64_t now) {
    drop_until(w, now);
    *e = (ear_t){.from = now, .edge = NEVER, .due = NEVER};
}

bool ear_fire(wire_t *w, ear_t *e, uint64_t bit_cycles, heard_t *heard) {
    uint64_t half = e->bit_cycles / 2;
    if (!e->started && level_at(w, e->edge + half)) { /* no start bit: a short one of a faster sender */
        e->from = e->edge + half;
        search(w, e, bit_cycles);
        return false;
    }
    if (!e->started) {
        e->started = true;
        e->due = e->edge + BITS_PER_BYTE * e->bit_cycles;
        return false;
    }
    *heard = (heard_t){.when = e->due};
    for (unsigned bit = 0; bit < 8; bit++) {
        heard->byte |= (uint8_t)(level_at(w, e->edge + (2 * bit + 3) * half) << bit);
    }
    e->from = e->edge + (2 * BITS_PER_BYTE - 1) * half;
    heard->framing_error = !level_at(w, e->from);
    drop_until(w, e->from);
    search(w, e, bit_cycles);
    return true;
}
