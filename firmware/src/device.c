#include "device.h"

#include <string.h>

#include "boards/board.h"
#include "dispatch.h"
#include "link.h"
#include "servo_map.h"

#define RX_BYTES_AT_ONCE 255U /* all that wait, so that none is lost; and a flood cannot hold the loop up */
#define LED_EVERY_MS 16U
#define TICKS_PER_4MS(tick_hz) ((uint16_t)((tick_hz) / 250U))

void device_init(struct device *d) {
    memset(d, 0, sizeof *d);
    safety_init(&d->safety, board_boot_id(), TICKS_PER_4MS(board_info.tick_hz));
    limits_load(&d->limits);
    device_limits_changed(d);
    safety_started(&d->safety);
    d->pose_due = true;
}

void device_limits_changed(struct device *d) {
    d->safety.limits_blockers = limits_blockers(&d->limits, d->safety.configured ? &d->safety.config : NULL);
}

static bool starts_within(const struct device *d, uint8_t servo) {
    uint16_t pulse_0_us = d->safety.config.pulse_0_us[servo];
    return limits_allow_pulse(&d->limits, servo, servo_pulse(pulse_0_us, d->slope[servo], d->safety.applied_cdeg[servo]));
}

/* Arming jumps to the angles. One that a jog has left beyond the limits is put on the safe pose, and a jog is refused where
   that lies beyond them too. */
void device_configured(struct device *d) {
    struct safety *s = &d->safety;
    device_limits_changed(d);
    s->starts_within = true;
    for (uint8_t i = 0; i < SERVOS; i++) {
        d->slope[i] = servo_slope(s->config.pulse_0_us[i], s->config.pulse_180_us[i]);
        if (!starts_within(d, i)) {
            s->applied_cdeg[i] = s->told_cdeg[i] = s->config.servo_safe_cdeg[i];
            s->starts_within = s->starts_within && starts_within(d, i);
        }
    }
}

static void look(struct device *d) {
    d->inputs.now_ms = board_now_ms();
    if (d->safety.streaming) {
        d->inputs.sample_index = emg_full_index(d->inputs.sample_index, board_samples());
    }
}

/* A hang of the sampling must reset the board: while streaming, only a new sample feeds the watchdog. */
static void feed_watchdog(struct device *d) {
    if (!d->safety.streaming || d->inputs.sample_index != d->fed_at_sample) {
        d->fed_at_sample = d->inputs.sample_index;
        board_watchdog_feed();
    }
}

static void tell_servos(struct device *d) {
    if (!d->pose_due || !board_servos_ready()) {
        return;
    }
    if (!d->safety.pulses_on || d->period_due) {
        uint16_t period_us = d->safety.configured ? d->safety.config.servo_period_us : SERVO_PERIOD_MAX_US;
        bool off = board_servos_off(period_us);
        d->servos_told = false;
        d->period_due = d->period_due && !off;
        d->pose_due = d->safety.pulses_on || !off;
        return;
    }
    uint16_t pose[SERVOS];
    safety_next_pose(&d->safety, pose);
    if (!d->servos_told || memcmp(pose, d->safety.told_cdeg, sizeof pose) != 0) {
        uint16_t pulse_half_us[SERVOS];
        for (uint8_t i = 0; i < SERVOS; i++) {
            pulse_half_us[i] = servo_pulse(d->safety.config.pulse_0_us[i], d->slope[i], pose[i]);
        }
        if (!board_servos_write(pulse_half_us)) {
            return;
        }
        safety_told(&d->safety, pose);
        d->servos_told = true;
    }
    d->pose_due = false;
}

static void receive(struct device *d) {
    uint8_t byte;
    for (uint8_t i = 0; i < RX_BYTES_AT_ONCE && board_rx(&byte); i++) {
        dispatch_byte(d, byte);
    }
    tell_servos(d);
}

static void look_at_button(struct device *d) {
    if (button_tick(&d->button, board_button())) {
        d->due |= DUE_STATUS;
        if (safety_button(&d->safety, (d->button.bits & BUTTON_PRESSED) != 0U)) {
            d->button.bits |= BUTTON_SPENT;
        }
    }
}

static void tick(struct device *d) {
    d->inputs.supply_mv = board_supply_mv();
    safety_tick(&d->safety, &d->inputs);
    feed_watchdog(d);
    if (limits_step(&d->limits)) {
        device_limits_changed(d);
        d->limits_result = (uint8_t)limits_result(&d->limits);
        d->due |= DUE_LIMITS;
    }
    look_at_button(d);
    if ((uint8_t)d->inputs.now_ms % LED_EVERY_MS == 0U) {
        board_led(led_lit(panel_light(&d->button, d->safety.state, d->safety.permission), d->inputs.now_ms));
    }
}

void device_pass(struct device *d, uint8_t wake) {
    uint16_t began = board_stopwatch_half_us();
    uint8_t state = d->safety.state;
    uint8_t reason = d->safety.reason;
    uint8_t limits_state = d->limits.state;
    look(d);
    uint8_t begun = board_pulses_begun();
    if (begun != 0U) {
        safety_pulses_begun(&d->safety, begun);
        d->pose_due = true;
    }
    receive(d);
    uint8_t waiting = emg_waiting(&board_emg);
    if (waiting != 0U) {
        receive(d); /* encoding takes longer than a setpoint may have until a pulse that is about to begin */
    }
    for (; waiting != 0U; waiting--) {
        link_send_emg(d);
    }
    if ((wake & WAKE_TICK) != 0U) {
        tick(d);
    }
    if (d->safety.state != state || d->safety.reason != reason) {
        d->due |= DUE_STATUS;
        d->pose_due = true;
        tell_servos(d);
    }
    if (d->limits.state != limits_state || d->inputs.now_ms - d->status_ms >= STATUS_PERIOD_MS) {
        d->due |= DUE_STATUS;
    }
    if (d->due != 0U) {
        link_send_due(d);
    }
    uint16_t took = (uint16_t)(board_stopwatch_half_us() - began);
    if (took > d->max_loop_half_us) {
        d->max_loop_half_us = took;
    }
}
