/*
 * The simulated board: the very ELF that is flashed, on an AVR core of simavr, with our own models of what
 * simavr simplifies (UART, ADC, double-buffered compare registers, flag registers). Data order: host bytes
 * -> uart.c -> CPU (machine.c) -> pins.c; analogue values emg.c -> adc.c -> CPU; everything seen -> record.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef HAND_SIM_H
#define HAND_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <avr_adc.h>
#include <avr_eeprom.h>
#include <avr_ioport.h>
#include <avr_timer.h>
#include <avr_uart.h>
#include <sim_avr.h>

#include "frame.h"

#define CPU_HZ 16000000u
#define NEVER UINT64_MAX
#define SERVO_COUNT 5
#define INPUT_COUNT 16
#define VECTOR_COUNT 64
#define TIMER_COUNT 6
#define COMPARE_COUNT AVR_TIMER_COMP_COUNT
#define TRIGGER_COUNT 4
#define BITS_PER_BYTE 10
#define RX_DEPTH 2
#define RESET_LOG 32

typedef struct machine machine_t;

/* ---- record.c: what happened, each with its cycle ---- */

enum event_kind {
    EVENT_TX = 1,  /* value: byte; at the end of its stop bit */
    EVENT_RX,      /* value: byte; at the end of its stop bit */
    EVENT_RX_LOST, /* value: byte */
    EVENT_SERVO,   /* index: servo, value: level of its pin */
    EVENT_SAMPLE,  /* index: analogue input, value: code; at the moment of sample-and-hold */
    EVENT_RESET,   /* value: MCUSR after it */
};

typedef struct { /* 16 bytes, little-endian: also the format of --trace files and of lock-step replies */
    uint64_t cycle;
    uint16_t kind;
    uint16_t index;
    int32_t value;
} event_t;

typedef struct {
    event_t *items;
    size_t count, capacity;
    bool keep; /* for the lock-step client; otherwise only `file` gets them */
    FILE *file;
} record_t;

void record_event(machine_t *m, enum event_kind kind, uint64_t cycle, unsigned index, int value);

/* ---- wire.c: one direction of the line, as a waveform ---- */

typedef struct {
    uint64_t start, bit_cycles;
    uint8_t byte;
} wire_byte_t;

typedef struct { /* bytes that have not passed yet: a ring */
    wire_byte_t *bytes;
    size_t head, count, capacity;
    uint64_t free_at; /* end of the stop bit of the last byte */
} wire_t;

typedef struct {
    uint64_t when; /* end of its stop bit, at the receiver's speed */
    uint8_t byte;
    bool framing_error;
} heard_t;

typedef struct {
    uint64_t bit_cycles;
    uint64_t from;      /* the line before this is past */
    uint64_t edge, due; /* of the byte that comes next; NEVER: none */
    bool started;       /* its start bit was low in the middle */
} ear_t;

void wire_put(wire_t *w, uint64_t not_before, uint64_t bit_cycles, uint8_t byte);
void ear_listen(wire_t *w, ear_t *e, uint64_t now, uint64_t bit_cycles); /* after the wire or the speed has changed */
void ear_deafen(wire_t *w, ear_t *e, uint64_t now);
bool ear_fire(wire_t *w, ear_t *e, uint64_t bit_cycles, heard_t *heard); /* at `due`; true: a byte was heard */

/* ---- line.c and uart.c: the line to the host, and USART0 at true bit times ---- */

typedef struct {
    avr_uart_t *io;
    uint64_t host_bit_cycles;
    wire_t to_board, to_host;
    ear_t board_ear, host_ear;
    uint64_t tx_due;
    heard_t rx_fifo[RX_DEPTH];
    unsigned rx_unread;
    bool tx_shifting, tx_buffered;
    uint8_t tx_shift, tx_buffer;
    uint8_t out[65536]; /* what the host has heard: for the pty; unused in lock-step */
    size_t out_count;
    uint64_t rx_bytes, rx_lost, rx_framing, tx_bytes, tx_overwrites, rx_wait_max;
} uart_t;

void line_send(machine_t *m, uint64_t not_before, const uint8_t *bytes, size_t count);
void line_listen(machine_t *m);
void line_fire(machine_t *m);
void line_board_sent(machine_t *m, uint64_t end, uint8_t byte);
void line_host_hears(machine_t *m);
void uart_attach(machine_t *m);
void uart_reset(machine_t *m);
void uart_fire(machine_t *m);
uint64_t uart_byte_cycles(const machine_t *m);

/* ---- emg.c and adc.c: analogue inputs and their converter ---- */

typedef struct {
    FILE *file;
    unsigned channels;
    int16_t row[INPUT_COUNT];
    double steps_a_count;          /* of the converter, in a row's count */
    double noise_steps;            /* RMS, of each conversion; 0: none */
    uint64_t random;
    unsigned conversions_a_row;    /* of each input */
    unsigned converted[INPUT_COUNT]; /* of this row */
    uint64_t rows;
    uint16_t constant_code[INPUT_COUNT]; /* of the inputs beyond `channels` */
} emg_t;

bool emg_open(machine_t *m, const char *path, unsigned channels, unsigned bits);
void emg_restart(machine_t *m);
bool emg_row_ends(const machine_t *m, unsigned input); /* with the conversion that was made last */
uint16_t emg_code(machine_t *m, unsigned input, bool triggered);

typedef struct {
    machine_t *machine;
    avr_int_vector_t *vector; /* whose flag starts a conversion */
    avr_adts_type source;
} adc_trigger_t;

typedef struct {
    avr_adc_t *io;
    adc_trigger_t triggers[TRIGGER_COUNT];
    uint64_t enabled_at, hold_due, done_due;
    bool converting, triggered, first, stalled, locked;
    unsigned input;
    uint16_t code, result;
    uint64_t conversions, ignored_triggers, lost_results;
} adc_t;

void adc_attach(machine_t *m);
void adc_reset(machine_t *m);
void adc_fire(machine_t *m);
void adc_stall(machine_t *m, bool stalled);

/* ---- overheard.c: which CONFIG is in force ---- */

typedef struct {
    struct frame_decoder to_board, to_host;
    uint8_t oversampling; /* of the CONFIG that waits for its answer */
} overheard_t;

void overhear_host(machine_t *m, uint8_t byte);
void overhear_board(machine_t *m, uint8_t byte);

/* ---- eeprom.c ---- */

typedef struct {
    avr_eeprom_t *io;
    uint64_t enabled_at, busy_until, writes;
    uint16_t writing;
    bool stalled; /* EEPE stays set */
} eeprom_t;

void eeprom_attach(machine_t *m);
bool eeprom_load(machine_t *m, const char *path); /* false: no such file */
void eeprom_power_lost(machine_t *m);

/* ---- timers.c: what simavr's timers lack ---- */

typedef struct {
    struct timer_model *timer;
    avr_timer_comp_t *io;
    bool buffered;
    uint16_t buffer;
} compare_t;

typedef struct timer_model {
    machine_t *machine;
    avr_timer_t *io;
    avr_io_write_t simavr_write_ocr;
    uint8_t temp; /* the high byte waits here for its low byte */
    compare_t compares[COMPARE_COUNT];
} timer_model_t;

void timers_attach(machine_t *m);
void timers_reset(machine_t *m);
uint64_t timers_exact_cycle(const machine_t *m, const avr_int_vector_t *vector);
void timers_trigger(machine_t *m, unsigned nth, adc_trigger_t *trigger);

/* ---- pins.c: levels at the five servo pins ---- */

typedef struct {
    const char *port; /* "A" ... */
    uint8_t bit;
} pin_t;

typedef struct {
    avr_io_write_t call;
    void *param;
} write_hook_t;

typedef struct {
    machine_t *machine;
    unsigned servo;
    avr_ioport_t *port;
    uint8_t bit;
    avr_timer_t *timer; /* its compare output drives the pin while connected; NULL: none */
    avr_timer_comp_t *compare;
    bool compare_level, level;
    write_hook_t simavr_ddr, simavr_com;
    uint64_t rose_at;
    uint64_t pulses, width_min, width_max, width_last, period_min, period_max;
} servo_pin_t;

void pins_attach(machine_t *m, const pin_t pins[SERVO_COUNT]);
void pins_reset(machine_t *m);

/* ---- vectors.c: interrupt latencies ---- */

typedef struct {
    machine_t *machine;
    avr_int_vector_t *io;
    uint64_t requested_at, entered_at;
    uint64_t count, latency_max, duration_max;
} vector_stats_t;

void vectors_attach(machine_t *m);
void vectors_reset(machine_t *m);
void vector_name(const machine_t *m, unsigned number, char *name, size_t size);

/* ---- stats.c ---- */

typedef struct {
    uint64_t count, first_at, last_at, period_min, period_max, pauses;
} sampling_stats_t;

typedef struct {
    double behind_max_ms, slipped_ms;
    uint64_t slips, dropped_to_host;
} pace_t;

void stats_clear(machine_t *m);
void stats_sample(machine_t *m, unsigned input, uint64_t cycle);
void stats_write(const machine_t *m, FILE *out);

/* ---- loader.c ---- */

bool loader_burn(avr_t *avr, const char *path); /* false: no such file, or none that fits */

/* ---- boards.c and machine.c ---- */

typedef struct board {
    const char *name, *mcu;
    pin_t servo_pins[SERVO_COUNT];
    struct board *next;
} board_t;

void board_join(board_t *board); /* before main */
const board_t *board_find(const char *name);

enum freeze { FREEZE_NONE, FREEZE_LOOP, FREEZE_ALL };

typedef struct {
    uint64_t cycle;
    uint8_t mcusr;
} reset_t;

struct machine {
    const board_t *board;
    avr_t *avr;
    avr_run_t normal_run; /* simavr's watchdog swaps avr->run to ask for a reset */
    bool reset_on_dtr; /* as on a board that was bought: with its loader */
    uint64_t next_event, stop_at, stats_since, slept;
    enum freeze freeze;
    uart_t uart;
    adc_t adc;
    emg_t emg;
    overheard_t overheard;
    eeprom_t eeprom;
    timer_model_t timers[TIMER_COUNT];
    unsigned timer_count;
    servo_pin_t servos[SERVO_COUNT];
    vector_stats_t vectors[VECTOR_COUNT];
    sampling_stats_t sampling[INPUT_COUNT];
    reset_t resets[RESET_LOG];
    uint64_t reset_count;
    record_t record;
    pace_t pace;
};

machine_t *machine_create(const board_t *board, const char *elf, const char *loader); /* loader: .hex, or NULL */
bool machine_run_until(machine_t *m, uint64_t cycle); /* false: the firmware crashed */
void machine_pull_reset(machine_t *m);
void machine_power_cycle(machine_t *m);
void machine_schedule(machine_t *m); /* after any *_due changed */
avr_io_t *machine_find_io(const machine_t *m, const char *kind, unsigned nth);
void machine_hook(machine_t *m, avr_io_addr_t address, avr_io_read_t read, avr_io_write_t write);
write_hook_t machine_swap_write(machine_t *m, avr_io_addr_t address, write_hook_t hook);

/* ---- dtr.c ---- */

typedef struct {
    int events;
    unsigned openings;
    bool level;
} dtr_t;

bool dtr_watch(dtr_t *d, const char *terminal);
void dtr_update(machine_t *m, dtr_t *d, int terminal); /* takes the host's speed too */

/* ---- control.c, realtime.c ---- */

bool control_execute(machine_t *m, char *line, bool may_run, FILE *out); /* false: quit */
int lockstep_run(machine_t *m);
int realtime_run(machine_t *m, const char *link_path, double seconds);
extern volatile int stop_requested;

#endif
