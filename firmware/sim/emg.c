/*
 * The analogue world, in ADC counts. Row k of the file is what the electrodes give while sample k is taken: an
 * input that a trigger has converted a second time starts the next row. So every sample is known to the bit.
 * A conversion that software starts (the dummy one at start-up) sees the row at hand, and uses nothing up.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <string.h>

#define MID_CODE 512
#define MAX_CODE 1023

bool emg_open(machine_t *m, const char *path, unsigned channels) {
    m->emg.channels = channels;
    m->emg.file = path != NULL ? fopen(path, "rb") : NULL;
    m->emg.converted = UINT32_MAX; /* the first conversion fetches row 0 */
    for (unsigned i = 0; i < INPUT_COUNT; i++) {
        m->emg.constant_code[i] = MID_CODE;
    }
    return path == NULL || m->emg.file != NULL;
}

/* After the file's end the electrodes are silent. */
static void next_row(emg_t *emg) {
    emg->converted = 0;
    if (emg->file != NULL && fread(emg->row, sizeof emg->row[0], emg->channels, emg->file) == emg->channels) {
        emg->rows++;
    } else {
        memset(emg->row, 0, sizeof emg->row);
    }
}

uint16_t emg_code(machine_t *m, unsigned input, bool triggered) {
    emg_t *emg = &m->emg;
    if (input >= emg->channels) {
        return emg->constant_code[input];
    }
    if (triggered && (emg->converted & 1u << input)) {
        next_row(emg);
    }
    emg->converted |= triggered ? 1u << input : 0;
    int code = emg->row[input] + MID_CODE;
    return (uint16_t)(code < 0 ? 0 : code > MAX_CODE ? MAX_CODE : code);
}
