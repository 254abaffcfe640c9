/*
 * The boot loader: an Intel HEX file, as it is burnt into a board that is sold. The fuses have each reset start there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <string.h>

enum record_type { DATA = 0, END = 1, SEGMENT = 2, LINEAR = 4 };

typedef struct {
    unsigned count, address, type;
    uint8_t data[256];
} hex_record_t;

static bool parse(const char *line, hex_record_t *r) {
    unsigned sum = 0, byte;
    if (sscanf(line, ":%2x%4x%2x", &r->count, &r->address, &r->type) != 3) {
        return false;
    }
    for (unsigned i = 0; i < r->count; i++) {
        if (sscanf(line + 9 + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        r->data[i] = (uint8_t)byte;
        sum += byte;
    }
    sum += r->count + (r->address >> 8) + r->address + r->type;
    return sscanf(line + 9 + 2 * r->count, "%2x", &byte) == 1 && ((sum + byte) & 0xFF) == 0;
}

static bool burn(avr_t *avr, const hex_record_t *r, unsigned base) {
    if (base + r->address + r->count > avr->flashend + 1) {
        return false;
    }
    memcpy(avr->flash + base + r->address, r->data, r->count);
    if (base + r->address < avr->reset_pc) {
        avr->reset_pc = base + r->address;
    }
    return true;
}

bool loader_burn(avr_t *avr, const char *path) {
    char line[600];
    unsigned base = 0;
    hex_record_t r = {.type = DATA};
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    avr->reset_pc = avr->codeend = avr->flashend + 1;
    while (good && r.type != END && fgets(line, sizeof line, file) != NULL) {
        good = parse(line, &r);
        if (good && r.type == DATA) {
            good = burn(avr, &r, base);
        } else if (good && (r.type == SEGMENT || r.type == LINEAR)) {
            base = (unsigned)(r.data[0] << 8 | r.data[1]) << (r.type == SEGMENT ? 4 : 16);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    avr->pc = avr->reset_pc;
    return good && r.type == END;
}
