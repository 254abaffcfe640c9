/*
 * The boards of the firmware's folders. board.c is compiled once for each.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <string.h>

static board_t *boards;

void board_join(board_t *board) {
    board->next = boards;
    boards = board;
}

const board_t *board_find(const char *name) {
    const board_t *board = boards;
    while (board != NULL && strcmp(board->name, name) != 0) {
        board = board->next;
    }
    return board;
}
