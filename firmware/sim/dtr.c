/*
 * What a pseudo-terminal lacks: the line DTR, which resets an Arduino when it rises (through a capacitor, RESET-EN).
 *
 * Modelled is what Linux does with DTR on a serial port. Opening raises it. The last closing lowers it if the port's
 * HUPCL is set, as it is when a port appears. Openings are counted by inotify; HUPCL is read from the pseudo-terminal's
 * own settings, and the host's speed too. DTR is low until the first opening, as after plugging in. Not modelled: a
 * program that sets DTR itself (TIOCMBIS, TIOCMBIC, the speed B0), which a pseudo-terminal refuses or does not pass on;
 * two openings, or two closings, within one look of the simulator, which inotify reports as one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

static const struct {
    speed_t code;
    unsigned baud;
} speeds[] = {{B9600, 9600}, {B57600, 57600}, {B115200, 115200}, {B230400, 230400}, {B500000, 500000}, {B1000000, 1000000}};

bool dtr_watch(dtr_t *d, const char *terminal) {
    d->events = inotify_init1(IN_NONBLOCK);
    return d->events >= 0 && inotify_add_watch(d->events, terminal, IN_OPEN | IN_CLOSE) >= 0;
}

static void take_speed(machine_t *m, speed_t code) {
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].code == code) {
            m->uart.host_bit_cycles = CPU_HZ / speeds[i].baud;
        }
    }
}

static void set_level(machine_t *m, dtr_t *d, bool level) {
    if (level && !d->level && m->reset_on_dtr) {
        machine_pull_reset(m);
    }
    d->level = level;
}

void dtr_update(machine_t *m, dtr_t *d, int terminal) {
    union {
        struct inotify_event event;
        char bytes[1024];
    } buffer;
    struct termios settings;
    if (tcgetattr(terminal, &settings) != 0) {
        return;
    }
    ssize_t count = read(d->events, &buffer, sizeof buffer);
    for (ssize_t at = 0; at + (ssize_t)sizeof buffer.event <= count; at += (ssize_t)sizeof buffer.event) {
        const struct inotify_event *event = (const void *)(buffer.bytes + at);
        if (event->mask & IN_OPEN) {
            d->openings++;
            set_level(m, d, true);
        } else if (d->openings > 0 && --d->openings == 0 && settings.c_cflag & HUPCL) {
            set_level(m, d, false);
        }
    }
    take_speed(m, cfgetospeed(&settings));
}
