/*
 * What happened, each event with its cycle: to the trace file, and kept for a lock-step client.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <stdlib.h>

static void grow(record_t *record) {
    record->capacity = record->capacity ? 2 * record->capacity : 4096;
    record->items = realloc(record->items, record->capacity * sizeof *record->items);
    if (record->items == NULL) {
        fputs("hand-sim: out of memory\n", stderr);
        exit(1);
    }
}

void record_event(machine_t *m, enum event_kind kind, uint64_t cycle, unsigned index, int value) {
    record_t *record = &m->record;
    event_t event = {cycle, (uint16_t)kind, (uint16_t)index, value};
    if (record->file != NULL) {
        fwrite(&event, sizeof event, 1, record->file);
    }
    if (record->keep) {
        if (record->count == record->capacity) {
            grow(record);
        }
        record->items[record->count++] = event;
    }
}
