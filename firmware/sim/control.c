/*
 * Commands, one a line: to step the simulation (lock-step), and to do to the board what a test wants done.
 * Each is answered by `ok CYCLE BYTES` and that many raw bytes, or by `error` and a sentence (README.md).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    machine_t *machine;
    FILE *out;
    char *arguments;
} call_t;

static void answer(const call_t *call, const void *bytes, size_t count) {
    fprintf(call->out, "ok %" PRIu64 " %zu\n", call->machine->avr->cycle, count);
    if (count > 0) {
        fwrite(bytes, 1, count, call->out);
    }
}

static void done(const call_t *call) { answer(call, "", 0); }

static void refuse(const call_t *call, const char *why) { fprintf(call->out, "error %s\n", why); }

static bool next_number(call_t *call, uint64_t *number) {
    char *end;
    *number = strtoull(call->arguments, &end, 0);
    bool found = end != call->arguments;
    call->arguments = end;
    return found;
}

/* Decodes hex digits in place; SIZE_MAX: not hex. */
static size_t next_bytes(call_t *call, uint8_t **bytes) {
    char *text = call->arguments + strspn(call->arguments, " ");
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits % 2 || text[digits] != '\0') {
        return SIZE_MAX;
    }
    *bytes = (uint8_t *)text;
    for (size_t i = 0; i < digits / 2; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        (*bytes)[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return digits / 2;
}

static void do_run(call_t *call) {
    machine_t *m = call->machine;
    uint64_t until;
    if (!next_number(call, &until)) {
        refuse(call, "run wants the cycle to run until");
    } else if (!machine_run_until(m, until)) {
        refuse(call, "the firmware crashed");
    } else {
        answer(call, m->record.items, m->record.count * sizeof(event_t));
        m->record.count = 0;
        m->uart.out_count = 0;
    }
}

static void do_send(call_t *call) {
    uint64_t not_before;
    uint8_t *bytes;
    size_t count = SIZE_MAX;
    if (next_number(call, &not_before)) {
        count = next_bytes(call, &bytes);
    }
    if (count == SIZE_MAX) {
        refuse(call, "send wants the earliest cycle (0: now) and hex bytes");
        return;
    }
    line_send(call->machine, not_before, bytes, count);
    done(call);
}

static void do_baud(call_t *call) {
    uint64_t baud;
    if (!next_number(call, &baud) || baud == 0 || baud > CPU_HZ) {
        refuse(call, "baud wants the host's speed");
        return;
    }
    call->machine->uart.host_bit_cycles = CPU_HZ / baud;
    done(call);
}

static void do_reset(call_t *call) {
    machine_pull_reset(call->machine);
    done(call);
}

static void do_power_cycle(call_t *call) {
    machine_power_cycle(call->machine);
    done(call);
}

static void do_freeze(call_t *call) {
    const char *what = call->arguments + strspn(call->arguments, " ");
    enum freeze freeze = strcmp(what, "loop") == 0 ? FREEZE_LOOP : strcmp(what, "all") == 0 ? FREEZE_ALL : FREEZE_NONE;
    if (freeze == FREEZE_NONE) {
        refuse(call, "freeze wants loop (interrupts go on) or all");
        return;
    }
    call->machine->freeze = freeze;
    done(call);
}

static void do_adc(call_t *call) {
    const char *what = call->arguments + strspn(call->arguments, " ");
    if (strcmp(what, "stall") != 0 && strcmp(what, "go") != 0) {
        refuse(call, "adc wants stall or go");
        return;
    }
    adc_stall(call->machine, *what == 's');
    done(call);
}

static void do_analog(call_t *call) {
    uint64_t input, code;
    if (!next_number(call, &input) || !next_number(call, &code) || input >= INPUT_COUNT || code > 1023) {
        refuse(call, "analog wants an input (0-15) and a code (0-1023)");
        return;
    }
    call->machine->emg.constant_code[input] = (uint16_t)code;
    done(call);
}

static void do_noise(call_t *call) {
    uint64_t thousandths;
    if (!next_number(call, &thousandths)) {
        refuse(call, "noise wants thousandths of the converter's step, RMS");
        return;
    }
    call->machine->emg.noise_steps = (double)thousandths / 1000;
    done(call);
}

static void do_pin(call_t *call) {
    char port = *(call->arguments += strspn(call->arguments, " "));
    uint64_t bit, level;
    call->arguments += port != '\0';
    if (port < 'A' || port > 'L' || !next_number(call, &bit) || !next_number(call, &level) || bit > 7 || level > 1) {
        refuse(call, "pin wants a port, a bit and a level, as in `pin D 2 0`");
        return;
    }
    avr_irq_t *pin = avr_io_getirq(call->machine->avr, AVR_IOCTL_IOPORT_GETIRQ((uint32_t)port), (int)bit);
    if (pin == NULL) {
        refuse(call, "the chip does not have this port");
        return;
    }
    /* Kept, or a write to the port would let a pull-up take the pin back. */
    avr_ioport_external_t external = {.mask = (uint8_t)(1u << bit), .value = (uint8_t)(level << bit)};
    avr_ioctl(call->machine->avr, AVR_IOCTL_IOPORT_SET_EXTERNAL((uint32_t)port), &external);
    avr_raise_irq(pin, (uint32_t)level);
    done(call);
}

static void do_peek(call_t *call) {
    uint64_t address, count;
    uint64_t end = call->machine->avr->ramend + 1u;
    if (!next_number(call, &address) || !next_number(call, &count) || address > end || count > end - address) {
        refuse(call, "peek wants an address in memory and a count");
        return;
    }
    answer(call, call->machine->avr->data + address, (size_t)count);
}

static void do_poke(call_t *call) {
    uint64_t address;
    uint64_t end = call->machine->avr->ramend + 1u;
    uint8_t *bytes;
    size_t count = SIZE_MAX;
    if (next_number(call, &address)) {
        count = next_bytes(call, &bytes);
    }
    if (count == SIZE_MAX || address > end || count > end - address) {
        refuse(call, "poke wants an address in memory and hex bytes");
        return;
    }
    memcpy(call->machine->avr->data + address, bytes, count);
    done(call);
}

static void do_eeprom(call_t *call) {
    const char *what = call->arguments + strspn(call->arguments, " ");
    const avr_eeprom_t *io = call->machine->eeprom.io;
    if (*what == '\0') {
        answer(call, io->eeprom, io->size);
    } else if (strcmp(what, "stall") != 0 && strcmp(what, "go") != 0) {
        refuse(call, "eeprom wants nothing, stall or go");
    } else {
        call->machine->eeprom.stalled = *what == 's';
        done(call);
    }
}

static void do_burn(call_t *call) {
    const avr_eeprom_t *io = call->machine->eeprom.io;
    uint64_t address;
    uint8_t *bytes;
    size_t count = SIZE_MAX;
    if (next_number(call, &address)) {
        count = next_bytes(call, &bytes);
    }
    if (count == SIZE_MAX || address > io->size || count > io->size - address) {
        refuse(call, "burn wants an address in the EEPROM and hex bytes");
        return;
    }
    memcpy(io->eeprom + address, bytes, count);
    done(call);
}

static void do_stats(call_t *call) {
    char *text;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    stats_write(call->machine, memory);
    fclose(memory);
    answer(call, text, size);
    free(text);
}

static void do_clear_stats(call_t *call) {
    stats_clear(call->machine);
    done(call);
}

static const struct {
    const char *name;
    void (*call)(call_t *);
} commands[] = {
    {"run", do_run},       {"send", do_send},   {"reset", do_reset}, {"power-cycle", do_power_cycle},
    {"freeze", do_freeze}, {"adc", do_adc},     {"peek", do_peek},   {"clear-stats", do_clear_stats},
    {"poke", do_poke},     {"stats", do_stats}, {"analog", do_analog},
    {"baud", do_baud},     {"eeprom", do_eeprom}, {"burn", do_burn},
    {"pin", do_pin},       {"noise", do_noise},
};

bool control_execute(machine_t *m, char *line, bool may_run, FILE *out) {
    line[strcspn(line, "\r\n")] = '\0';
    size_t length = strcspn(line, " ");
    call_t call = {m, out, line + length};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strlen(commands[i].name) == length && strncmp(commands[i].name, line, length) == 0) {
            if (commands[i].call == do_run && !may_run) {
                refuse(&call, "run is for --lockstep");
            } else {
                commands[i].call(&call);
            }
            fflush(out);
            return true;
        }
    }
    if (strcmp(line, "quit") == 0) {
        return false;
    }
    refuse(&call, "no such command");
    fflush(out);
    return true;
}

int lockstep_run(machine_t *m) {
    char *line = NULL;
    size_t capacity = 0;
    m->record.keep = true;
    while (getline(&line, &capacity, stdin) > 0 && control_execute(m, line, true, stdout)) {
    }
    free(line);
    return 0;
}
