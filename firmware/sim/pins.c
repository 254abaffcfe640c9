/*
 * The five servo pins: a pin shows its timer's compare output while that is connected, else its port bit, and
 * nothing while it is an input. Pulses are measured between its edges.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sim.h"

#define PAUSE_CYCLES (CPU_HZ / 10) /* a longer gap means that the pulses were off, and is no period */

static bool connected(const servo_pin_t *pin) {
    return pin->compare != NULL && avr_regbit_get(pin->machine->avr, pin->compare->com) != 0;
}

static void measure_pulse(servo_pin_t *pin, uint64_t fell_at) {
    uint64_t width = fell_at - pin->rose_at;
    pin->pulses++;
    pin->width_last = width;
    pin->width_min = width < pin->width_min ? width : pin->width_min;
    pin->width_max = width > pin->width_max ? width : pin->width_max;
}

static void measure_period(servo_pin_t *pin, uint64_t rose_at) {
    uint64_t period = rose_at - pin->rose_at;
    if (pin->pulses > 0 && period < PAUSE_CYCLES) {
        pin->period_min = period < pin->period_min ? period : pin->period_min;
        pin->period_max = period > pin->period_max ? period : pin->period_max;
    }
    pin->rose_at = rose_at;
}

static void update(servo_pin_t *pin, uint64_t when) {
    const uint8_t *data = pin->machine->avr->data;
    bool port = data[pin->port->r_port] >> pin->bit & 1;
    bool output = data[pin->port->r_ddr] >> pin->bit & 1;
    bool level = output && (connected(pin) ? pin->compare_level : port);
    if (level == pin->level) {
        return;
    }
    pin->level = level;
    record_event(pin->machine, EVENT_SERVO, when, pin->servo, level);
    if (level) {
        measure_period(pin, when);
    } else {
        measure_pulse(pin, when);
    }
}

static void on_compare(struct avr_irq_t *irq, uint32_t value, void *param) {
    servo_pin_t *pin = param;
    (void)irq;
    pin->compare_level = value & 1;
    update(pin, pin->timer->tov_base + (pin->compare_level ? 0 : pin->compare->comp_cycles));
}

static void on_port(struct avr_irq_t *irq, uint32_t value, void *param) {
    servo_pin_t *pin = param;
    (void)irq, (void)value;
    update(pin, pin->machine->avr->cycle);
}

static void write_ddr(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    servo_pin_t *pin = param;
    pin->simavr_ddr.call(avr, addr, value, pin->simavr_ddr.param);
    update(pin, avr->cycle);
}

static void write_com(struct avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param) {
    servo_pin_t *pin = param;
    pin->simavr_com.call(avr, addr, value, pin->simavr_com.param);
    update(pin, avr->cycle);
}

static void attach_compare(servo_pin_t *pin, avr_timer_t *timer, unsigned i) {
    avr_timer_comp_t *compare = &timer->comp[i];
    if (compare->com_pin.reg != pin->port->r_port || compare->com_pin.bit != pin->bit) {
        return;
    }
    pin->timer = timer;
    pin->compare = compare;
    avr_irq_register_notify(timer->io.irq + TIMER_IRQ_OUT_COMP + i, on_compare, pin);
    pin->simavr_com = machine_swap_write(pin->machine, compare->com.reg, (write_hook_t){write_com, pin});
}

static avr_ioport_t *port_named(const machine_t *m, char name) {
    avr_ioport_t *port = NULL;
    for (unsigned i = 0; port == NULL || port->name != name; i++) {
        port = (avr_ioport_t *)machine_find_io(m, "port", i);
    }
    return port;
}

void pins_attach(machine_t *m, const pin_t pins[SERVO_COUNT]) {
    for (unsigned s = 0; s < SERVO_COUNT; s++) {
        servo_pin_t *pin = &m->servos[s];
        pin->machine = m;
        pin->servo = s;
        pin->port = port_named(m, *pins[s].port);
        pin->bit = pins[s].bit;
        avr_irq_register_notify(pin->port->io.irq + IOPORT_IRQ_REG_PORT, on_port, pin);
        pin->simavr_ddr = machine_swap_write(m, pin->port->r_ddr, (write_hook_t){write_ddr, pin});
        for (unsigned t = 0; t < m->timer_count; t++) {
            for (unsigned i = 0; i < COMPARE_COUNT; i++) {
                attach_compare(pin, m->timers[t].io, i);
            }
        }
    }
}

/* A wire keeps its level over a reset. simavr clears PIN, and tells it a level anew only when the level changes. */
static void keep_levels(machine_t *m) {
    avr_ioport_t *port;
    for (unsigned i = 0; (port = (avr_ioport_t *)machine_find_io(m, "port", i)) != NULL; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            m->avr->data[port->r_pin] |= (uint8_t)((port->io.irq[bit].value & 1u) << bit);
        }
    }
}

/* A reset makes every pin an input. */
void pins_reset(machine_t *m) {
    keep_levels(m);
    for (unsigned s = 0; s < SERVO_COUNT; s++) {
        m->servos[s].compare_level = false;
        update(&m->servos[s], m->avr->cycle);
    }
}
