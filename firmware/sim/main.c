/*
 * hand-sim: runs the firmware's ELF. The command line is documented in README.md.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *elf, *loader, *eeprom, *link, *emg, *json, *trace;
    const board_t *board;
    unsigned channels, emg_bits;
    double seconds;
    bool lockstep, realtime;
} options_t;

static const char usage[] =
    "hand-sim ELF --board NAME [--loader HEX] [--eeprom FILE] (--realtime [--link PATH] [--seconds N] | --lockstep)\n"
    "         [--emg FILE --channels N [--emg-bits N]] [--json FILE] [--trace FILE]";

enum { BOARD = 1, LOADER, EEPROM, LINK, EMG, CHANNELS, EMG_BITS, JSON, TRACE, SECONDS, LOCKSTEP, REALTIME };

static const struct option long_options[] = {
    {"board", required_argument, NULL, BOARD},       {"loader", required_argument, NULL, LOADER},
    {"eeprom", required_argument, NULL, EEPROM},     {"link", required_argument, NULL, LINK},
    {"emg", required_argument, NULL, EMG},           {"channels", required_argument, NULL, CHANNELS},
    {"emg-bits", required_argument, NULL, EMG_BITS}, {"json", required_argument, NULL, JSON},
    {"trace", required_argument, NULL, TRACE},       {"seconds", required_argument, NULL, SECONDS},
    {"lockstep", no_argument, NULL, LOCKSTEP},       {"realtime", no_argument, NULL, REALTIME},
    {NULL, 0, NULL, 0},
};

static bool take_option(options_t *options, int option) {
    switch (option) {
    case BOARD: options->board = board_find(optarg); return options->board != NULL;
    case LOADER: options->loader = optarg; return access(optarg, R_OK) == 0;
    case EEPROM: options->eeprom = optarg; return access(optarg, R_OK) == 0;
    case LINK: options->link = optarg; return true;
    case EMG: options->emg = optarg; return true;
    case CHANNELS: options->channels = (unsigned)atoi(optarg); return options->channels - 1 < INPUT_COUNT;
    case EMG_BITS: options->emg_bits = (unsigned)atoi(optarg); return options->emg_bits - 1 < 16;
    case JSON: options->json = optarg; return true;
    case TRACE: options->trace = optarg; return true;
    case SECONDS: options->seconds = atof(optarg); return options->seconds > 0;
    case LOCKSTEP: options->lockstep = true; return true;
    case REALTIME: options->realtime = true; return true;
    default: return false;
    }
}

static bool parse(int argc, char **argv, options_t *options) {
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!take_option(options, option)) {
            return false;
        }
    }
    options->elf = argv[optind];
    bool one_mode = options->lockstep != options->realtime;
    bool whole_emg = (options->emg != NULL) == (options->channels > 0);
    return options->elf != NULL && options->board != NULL && one_mode && whole_emg;
}

static FILE *open_or_complain(const char *path, const char *mode) {
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, mode);
    if (file == NULL) {
        fprintf(stderr, "hand-sim: cannot write %s\n", path);
    }
    return file;
}

static bool prepare(machine_t *m, const options_t *options) {
    if (options->eeprom != NULL && !eeprom_load(m, options->eeprom)) {
        fprintf(stderr, "hand-sim: cannot read the EEPROM from %s\n", options->eeprom);
        return false;
    }
    if (!emg_open(m, options->emg, options->channels, options->emg_bits)) {
        fprintf(stderr, "hand-sim: cannot read the EMG from %s\n", options->emg);
        return false;
    }
    if (options->trace != NULL) {
        m->record.file = open_or_complain(options->trace, "wb");
        return m->record.file != NULL;
    }
    return true;
}

static bool finish(machine_t *m, const options_t *options) {
    if (m->record.file != NULL) {
        fclose(m->record.file);
    }
    if (options->json == NULL) {
        return true;
    }
    FILE *json = open_or_complain(options->json, "w");
    if (json == NULL) {
        return false;
    }
    stats_write(m, json);
    return fclose(json) == 0;
}

int main(int argc, char **argv) {
    options_t options = {.emg_bits = 10};
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "hand-sim: usage: %s\n", usage);
        return 2;
    }
    machine_t *m = access(options.elf, R_OK) == 0 ? machine_create(options.board, options.elf, options.loader) : NULL;
    if (m == NULL) {
        fprintf(stderr, "hand-sim: cannot load %s; build it with `make -C firmware`\n", options.elf);
        return 2;
    }
    if (!prepare(m, &options)) {
        return 2;
    }
    int status = options.lockstep ? lockstep_run(m) : realtime_run(m, options.link, options.seconds);
    return finish(m, &options) ? status : 1;
}
