/*
 * The analogue world, in ADC counts. Row k of the file is what the electrodes give while sample k is taken. A sample
 * has so many conversions of an input as the CONFIG in force says; the next one starts the next row. So every sample
 * is known to the bit. A conversion that software starts (the dummy one at start-up) sees the row at hand, and uses
 * nothing up. Noise, where it is asked for, is another at each conversion.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <math.h>
#include <string.h>

#define MID_CODE 512
#define MAX_CODE 1023
#define CONVERTER_BITS 10

/* Sampling begins: its first conversion starts a row. */
void emg_restart(machine_t *m) {
    for (unsigned i = 0; i < INPUT_COUNT; i++) {
        m->emg.converted[i] = m->emg.conversions_a_row;
    }
}

/* Of variance 1: twelve even ones. */
static double random_normal(emg_t *emg) {
    double sum = 0;
    for (unsigned i = 0; i < 12; i++) {
        emg->random = emg->random * 6364136223846793005ull + 1442695040888963407ull;
        sum += ldexp((double)(emg->random >> 11), -53);
    }
    return sum - 6;
}

bool emg_open(machine_t *m, const char *path, unsigned channels, unsigned bits) {
    m->emg.channels = channels;
    m->emg.steps_a_count = ldexp(1, CONVERTER_BITS - (int)bits);
    m->emg.file = path != NULL ? fopen(path, "rb") : NULL;
    m->emg.conversions_a_row = 1;
    emg_restart(m); /* the first conversion fetches row 0 */
    for (unsigned i = 0; i < INPUT_COUNT; i++) {
        m->emg.constant_code[i] = MID_CODE;
    }
    return path == NULL || m->emg.file != NULL;
}

/* After the file's end the electrodes are silent. */
static void next_row(emg_t *emg) {
    memset(emg->converted, 0, emg->channels * sizeof emg->converted[0]);
    if (emg->file != NULL && fread(emg->row, sizeof emg->row[0], emg->channels, emg->file) == emg->channels) {
        emg->rows++;
    } else {
        memset(emg->row, 0, sizeof emg->row);
    }
}

bool emg_row_ends(const machine_t *m, unsigned input) {
    return m->emg.converted[input] == m->emg.conversions_a_row;
}

uint16_t emg_code(machine_t *m, unsigned input, bool triggered) {
    emg_t *emg = &m->emg;
    bool of_row = input < emg->channels;
    if (triggered) {
        if (emg_row_ends(m, input)) {
            emg->converted[input] = 0;
            if (of_row) {
                next_row(emg);
            }
        }
        emg->converted[input]++;
    }
    if (!of_row) {
        return emg->constant_code[input];
    }
    double noise = emg->noise_steps > 0 ? emg->noise_steps * random_normal(emg) : 0;
    double code = floor(emg->row[input] * emg->steps_a_count + noise) + MID_CODE;
    return (uint16_t)(code < 0 ? 0 : code > MAX_CODE ? MAX_CODE : code);
}
