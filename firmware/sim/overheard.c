/*
 * Listens to both directions of the line, for the conversions that a sample has by the CONFIG in force.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

static const uint8_t *payload(const struct frame_decoder *d) { return d->body + FRAME_HEAD_BYTES; }

void overhear_host(machine_t *m, uint8_t byte) {
    struct frame_decoder *d = &m->overheard.to_board;
    if (frame_decode(d, byte) == FRAME_GOOD && d->body[0] == MSG_CONFIG) {
        struct config config;
        config_unpack(&config, payload(d));
        m->overheard.oversampling = config.oversampling;
    }
}

void overhear_board(machine_t *m, uint8_t byte) {
    struct frame_decoder *d = &m->overheard.to_host;
    if (frame_decode(d, byte) == FRAME_GOOD && d->body[0] == MSG_CONFIG_ACK && payload(d)[0] == RESULT_OK) {
        m->emg.conversions_a_row = m->overheard.oversampling;
        emg_restart(m);
    }
}
