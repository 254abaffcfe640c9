/*
 * At the pace of the wall clock, with USART0 on a pseudo-terminal. The simulation runs a quantum ahead, then
 * sleeps until the clock has caught up; what the host does not read is dropped and counted, as a USB bridge does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define QUANTUM_US 500
#define SLIP_NS 100000000 /* further behind than this: give the time up rather than run faster than real time */
#define CONTROL_LINE 4096

volatile int stop_requested;

typedef struct {
    int host; /* our end of the pseudo-terminal */
    int device; /* kept open, so that a host that leaves does not hang up the line */
    char control[CONTROL_LINE];
    size_t control_count;
    bool control_open;
    dtr_t dtr;
    int64_t epoch_ns; /* wall clock at cycle 0 */
} session_t;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static bool open_terminal(session_t *s, const char *link_path) {
    struct termios raw;
    char name[128];
    if (openpty(&s->host, &s->device, name, NULL, NULL) != 0) {
        return false;
    }
    tcgetattr(s->device, &raw);
    cfmakeraw(&raw);
    raw.c_cflag |= HUPCL; /* as a serial port appears */
    tcsetattr(s->device, TCSANOW, &raw);
    fcntl(s->host, F_SETFL, O_NONBLOCK);
    if (!dtr_watch(&s->dtr, name)) {
        return false;
    }
    if (link_path != NULL) {
        unlink(link_path);
        if (symlink(name, link_path) != 0) {
            return false;
        }
    }
    printf("port %s\n", link_path != NULL ? link_path : name);
    fflush(stdout);
    return true;
}

static void exchange_bytes(machine_t *m, session_t *s) {
    uint8_t bytes[4096];
    dtr_update(m, &s->dtr, s->device);
    ssize_t count = read(s->host, bytes, sizeof bytes);
    if (count > 0) {
        line_send(m, 0, bytes, (size_t)count);
    }
    line_host_hears(m);
    uart_t *u = &m->uart;
    if (u->out_count > 0) {
        ssize_t written = write(s->host, u->out, u->out_count);
        size_t taken = written > 0 ? (size_t)written : 0;
        m->pace.dropped_to_host += u->out_count - taken;
        u->out_count = 0;
    }
}

static bool take_commands(machine_t *m, session_t *s) {
    if (!s->control_open) {
        return true;
    }
    ssize_t count = read(STDIN_FILENO, s->control + s->control_count, CONTROL_LINE - 1 - s->control_count);
    if (count <= 0) {
        s->control_open = count < 0 && (errno == EAGAIN || errno == EINTR);
        return true;
    }
    s->control_count += (size_t)count;
    s->control[s->control_count] = '\0';
    char *end;
    while ((end = strchr(s->control, '\n')) != NULL) {
        *end = '\0';
        if (!control_execute(m, s->control, false, stdout)) {
            return false;
        }
        s->control_count -= (size_t)(end + 1 - s->control);
        memmove(s->control, end + 1, s->control_count + 1);
    }
    s->control_open = s->control_count < CONTROL_LINE - 1;
    return true;
}

/* Sleeps until the wall clock is at `cycle`, or notes how far it is beyond. */
static void keep_pace(machine_t *m, session_t *s) {
    int64_t due_ns = s->epoch_ns + (int64_t)(m->avr->cycle * 1000 / (CPU_HZ / 1000000));
    int64_t behind_ns = now_ns() - due_ns;
    if (behind_ns <= 0) {
        struct timespec due = {due_ns / 1000000000, due_ns % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        return;
    }
    double behind_ms = (double)behind_ns / 1e6;
    m->pace.behind_max_ms = behind_ms > m->pace.behind_max_ms ? behind_ms : m->pace.behind_max_ms;
    if (behind_ns > SLIP_NS) {
        if (m->pace.slips++ == 0) {
            fprintf(stderr, "hand-sim: this machine cannot keep up: %.0f ms of real time given up\n", behind_ms);
        }
        m->pace.slipped_ms += behind_ms;
        s->epoch_ns += behind_ns;
    }
}

/* What the host has not read when we leave is gone. */
static void let_host_read(const session_t *s) {
    int unread = 0;
    struct timespec pause = {0, 5000000};
    for (int i = 0; i < 40 && ioctl(s->device, FIONREAD, &unread) == 0 && unread > 0; i++) {
        nanosleep(&pause, NULL);
    }
}

static void request_stop(int signal_number) {
    (void)signal_number;
    stop_requested = 1;
}

int realtime_run(machine_t *m, const char *link_path, double seconds) {
    session_t s = {.control_open = true};
    if (!open_terminal(&s, link_path)) {
        fprintf(stderr, "hand-sim: cannot open a virtual serial port at %s: %s\n",
                link_path ? link_path : "/dev/pts", strerror(errno));
        return 1;
    }
    signal(SIGTERM, request_stop);
    signal(SIGINT, request_stop);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    uint64_t end = seconds > 0 ? (uint64_t)(seconds * CPU_HZ) : NEVER;
    bool alive = true, wanted = true;
    s.epoch_ns = now_ns();
    while (alive && wanted && !stop_requested && m->avr->cycle < end) {
        alive = machine_run_until(m, m->avr->cycle + QUANTUM_US * (CPU_HZ / 1000000));
        exchange_bytes(m, &s);
        wanted = take_commands(m, &s);
        keep_pace(m, &s);
    }
    let_host_read(&s);
    if (link_path != NULL) {
        unlink(link_path);
    }
    return alive ? 0 : 1;
}
