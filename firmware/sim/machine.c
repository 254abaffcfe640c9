/*
 * The core: loads the ELF, steps the CPU, sleeps, resets, freezes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <avr_extint.h>
#include <avr_watchdog.h>
#include <sim_core.h>
#include <sim_elf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WAKE_CYCLES 4     /* datasheet, "Interrupt Response Time": four more from sleep */
#define FROZEN_CYCLES 2u  /* rjmp . */
#define EXTERNAL_INTERRUPTS 8

static void log_problem(struct avr_t *avr, int level, const char *format, va_list arguments) {
    (void)avr;
    if (level == LOG_ERROR || level == LOG_WARNING) {
        vfprintf(stderr, format, arguments);
    }
}

avr_io_t *machine_find_io(const machine_t *m, const char *kind, unsigned nth) {
    for (avr_io_t *io = m->avr->io_port; io != NULL; io = io->next) {
        if (strcmp(io->kind, kind) == 0 && nth-- == 0) {
            return io;
        }
    }
    return NULL;
}

write_hook_t machine_swap_write(machine_t *m, avr_io_addr_t address, write_hook_t hook) {
    avr_io_addr_t at = AVR_DATA_TO_IO(address);
    write_hook_t old = {m->avr->io[at].w.c, m->avr->io[at].w.param};
    m->avr->io[at].w.c = hook.call;
    m->avr->io[at].w.param = hook.param;
    return old;
}

/* Puts our model of a register in place of simavr's. `read` may be NULL: reads give what was written. */
void machine_hook(machine_t *m, avr_io_addr_t address, avr_io_read_t read, avr_io_write_t write) {
    avr_io_addr_t at = AVR_DATA_TO_IO(address);
    m->avr->io[at].r.c = read;
    m->avr->io[at].r.param = m;
    machine_swap_write(m, address, (write_hook_t){write, m});
}

void machine_schedule(machine_t *m) {
    uint64_t next = m->uart.board_ear.due;
    if (m->uart.tx_due < next) {
        next = m->uart.tx_due;
    }
    if (m->adc.hold_due < next) {
        next = m->adc.hold_due;
    }
    if (m->adc.done_due < next) {
        next = m->adc.done_due;
    }
    m->next_event = next;
}

static uint8_t *mcusr(const machine_t *m) { return &m->avr->data[m->avr->reset_flags.porf.reg]; }

static void after_reset(machine_t *m) {
    for (uint8_t i = 0; i < EXTERNAL_INTERRUPTS; i++) {
        avr_extint_set_strict_lvl_trig(m->avr, i, 0); /* simavr would poll a low pin at each cycle */
    }
    m->freeze = FREEZE_NONE;
    timers_reset(m);
    vectors_reset(m);
    uart_reset(m);
    adc_reset(m);
    pins_reset(m);
    m->resets[m->reset_count % RESET_LOG] = (reset_t){m->avr->cycle, *mcusr(m)};
    m->reset_count++;
    record_event(m, EVENT_RESET, m->avr->cycle, 0, *mcusr(m));
}

/* What simavr clears at each reset lasts in silicon until software or a power-on clears it: the flags of MCUSR, and while
 * the watchdog's is set, the watchdog is on, at its shortest period. */
static void reset_keeping_flags(machine_t *m) {
    avr_watchdog_t *watchdog = (avr_watchdog_t *)machine_find_io(m, "watchdog", 0);
    uint8_t flags = *mcusr(m);
    if (avr_regbit_get(m->avr, watchdog->wdrf)) {
        watchdog->reset_context.wdrf = 1;
        watchdog->reset_context.avr_run = m->normal_run;
    }
    avr_reset(m->avr);
    *mcusr(m) |= flags;
}

void machine_pull_reset(machine_t *m) {
    m->avr->run = m->normal_run;
    reset_keeping_flags(m);
    avr_regbit_set(m->avr, m->avr->reset_flags.extrf);
    after_reset(m);
}

/* What memory holds after power-up nobody knows: something else each time. */
static void scramble_memory(avr_t *avr) {
    for (unsigned i = avr->ioend + 1u; i <= avr->ramend; i++) {
        avr->data[i] = (uint8_t)rand();
    }
}

void machine_power_cycle(machine_t *m) {
    eeprom_power_lost(m);
    scramble_memory(m->avr);
    m->avr->run = m->normal_run;
    avr_reset(m->avr);
    avr_regbit_set(m->avr, m->avr->reset_flags.porf);
    after_reset(m);
}

static avr_flashaddr_t execute(machine_t *m) {
    avr_t *avr = m->avr;
    bool in_interrupt = avr->interrupts.running_ptr > 0;
    if (m->freeze == FREEZE_ALL || (m->freeze == FREEZE_LOOP && !in_interrupt)) {
        avr->cycle += FROZEN_CYCLES;
        return avr->pc;
    }
    return avr_run_one(avr);
}

static void sleep_until_something(machine_t *m, avr_cycle_count_t timer_in) {
    uint64_t now = m->avr->cycle;
    uint64_t until = now + timer_in;
    if (m->next_event < until) {
        until = m->next_event;
    }
    if (m->stop_at < until) {
        until = m->stop_at;
    }
    if (until > now) {
        m->slept += until - now;
        m->avr->cycle = until;
    }
}

/* In silicon one instruction runs after SEI and RETI, in simavr two; a request that was withdrawn costs it another. */
static void take_interrupts(avr_t *avr) {
    if (avr->interrupt_state < 0) {
        avr_service_interrupts(avr); /* counts that instruction */
    }
    while (avr->interrupt_state > 0 && avr->sreg[S_I]) {
        avr_service_interrupts(avr);
    }
}

static void step(machine_t *m) {
    avr_t *avr = m->avr;
    if (avr->run != m->normal_run) {
        uint8_t flags = *mcusr(m);
        avr->run(avr); /* the watchdog's reset */
        *mcusr(m) |= flags;
        after_reset(m);
        return;
    }
    bool asleep = avr->state == cpu_Sleeping;
    avr_flashaddr_t pc = asleep ? avr->pc : execute(m);
    if (avr->cycle >= m->next_event) {
        adc_fire(m);
        uart_fire(m);
        machine_schedule(m);
    }
    avr_cycle_count_t timer_in = avr_cycle_timer_process(avr);
    avr->pc = pc;
    if (avr->state == cpu_Sleeping) {
        sleep_until_something(m, timer_in);
    } else if (asleep) {
        avr->cycle += WAKE_CYCLES;
    }
    if (m->freeze != FREEZE_ALL) {
        take_interrupts(avr);
    }
}

bool machine_run_until(machine_t *m, uint64_t cycle) {
    m->stop_at = cycle;
    while (m->avr->cycle < cycle) {
        step(m);
        if (m->avr->state != cpu_Running && m->avr->state != cpu_Sleeping) {
            fprintf(stderr, "hand-sim: the firmware crashed at address 0x%x\n", m->avr->pc);
            return false;
        }
    }
    return true;
}

static avr_t *load(const board_t *board, const char *elf, const char *loader) {
    elf_firmware_t firmware;
    memset(&firmware, 0, sizeof firmware);
    avr_t *avr = avr_make_mcu_by_name(board->mcu);
    if (avr == NULL || elf_read_firmware(elf, &firmware) != 0) {
        return NULL;
    }
    avr_init(avr);
    scramble_memory(avr);
    avr_load_firmware(avr, &firmware);
    avr->frequency = CPU_HZ;
    avr->log = LOG_WARNING;
    return loader == NULL || loader_burn(avr, loader) ? avr : NULL;
}

machine_t *machine_create(const board_t *board, const char *elf, const char *loader) {
    avr_global_logger_set(log_problem);
    machine_t *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->board = board;
    m->avr = load(board, elf, loader);
    if (m->avr == NULL) {
        free(m);
        return NULL;
    }
    m->reset_on_dtr = loader != NULL;
    m->normal_run = m->avr->run;
    timers_attach(m);
    vectors_attach(m);
    uart_attach(m);
    adc_attach(m);
    eeprom_attach(m);
    pins_attach(m, board->servo_pins);
    after_reset(m);
    stats_clear(m);
    return m;
}
