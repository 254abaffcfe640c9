/*
 * The boards, and where their servos are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <string.h>

const board_t boards[] = {
    {"mega2560", "atmega2560", {{'E', 3}, {'E', 4}, {'E', 5}, {'H', 3}, {'H', 4}}},
    {"uno", "atmega328p", {{'D', 3}, {'D', 4}, {'D', 5}, {'D', 6}, {'D', 7}}},
    {NULL, NULL, {{0, 0}}},
};

const board_t *board_find(const char *name) {
    for (const board_t *board = boards; board->name != NULL; board++) {
        if (strcmp(board->name, name) == 0) {
            return board;
        }
    }
    return NULL;
}
