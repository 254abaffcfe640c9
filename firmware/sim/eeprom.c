/*
 * The EEPROM as in silicon, in place of simavr's, which writes in no time: a byte takes 3.4 ms, in which EEPE stays set and
 * nothing else is read or written; a read halts the CPU for four cycles, a write for two. A power cut in the middle of a
 * write leaves anything in that byte.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define WRITE_CYCLES (CPU_HZ / 10000u * 34u)
#define ENABLED_CYCLES 4u /* so long after EEMPE does EEPE count */
#define READ_HALT 4u
#define WRITE_HALT 2u

static uint8_t bit(avr_regbit_t at) { return (uint8_t)(1u << at.bit); }

static bool writing(const machine_t *m) { return m->avr->cycle < m->eeprom.busy_until; }

static bool busy(const machine_t *m) { return m->eeprom.stalled || writing(m); }

static uint16_t address(const machine_t *m) {
    const avr_eeprom_t *io = m->eeprom.io;
    unsigned at = m->avr->data[io->r_eearl] | (io->r_eearh ? (unsigned)m->avr->data[io->r_eearh] << 8 : 0u);
    return (uint16_t)(at % io->size);
}

static uint8_t read_eecr(struct avr_t *avr, avr_io_addr_t addr, void *param) {
    const machine_t *m = param;
    uint8_t eepe = bit(m->eeprom.io->eepe); /* simavr keeps what a read gives */
    return (uint8_t)((avr->data[addr] & ~eepe) | (busy(m) ? eepe : 0u));
}

static void begin_write(machine_t *m) {
    eeprom_t *e = &m->eeprom;
    e->writing = address(m);
    e->io->eeprom[e->writing] = m->avr->data[e->io->r_eedr];
    e->busy_until = m->avr->cycle + WRITE_CYCLES;
    e->writes++;
    m->avr->cycle += WRITE_HALT;
}

static void write_eecr(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    machine_t *m = param;
    eeprom_t *e = &m->eeprom;
    if ((value & bit(e->io->eere)) && !busy(m)) {
        avr->data[e->io->r_eedr] = e->io->eeprom[address(m)];
        avr->cycle += READ_HALT;
    }
    if ((value & bit(e->io->eepe)) && !busy(m) && avr->cycle - e->enabled_at <= ENABLED_CYCLES) {
        begin_write(m);
    } else if (value & bit(e->io->eempe)) {
        e->enabled_at = avr->cycle;
    }
    avr->data[addr] = value & (uint8_t) ~(bit(e->io->eere) | bit(e->io->eepe) | bit(e->io->eempe));
}

void eeprom_attach(machine_t *m) {
    eeprom_t *e = &m->eeprom;
    e->io = (avr_eeprom_t *)machine_find_io(m, "eeprom", 0);
    e->enabled_at = NEVER;
    machine_hook(m, e->io->r_eecr, read_eecr, write_eecr);
}

bool eeprom_load(machine_t *m, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    size_t count = fread(m->eeprom.io->eeprom, 1, m->eeprom.io->size, file);
    fclose(file);
    return count > 0;
}

void eeprom_power_lost(machine_t *m) {
    if (writing(m)) {
        m->eeprom.io->eeprom[m->eeprom.writing] = (uint8_t)rand();
        m->eeprom.busy_until = 0;
    }
}
