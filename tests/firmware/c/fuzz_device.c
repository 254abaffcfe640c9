/* libFuzzer on the whole portable firmware: its input is a list of events: bytes on the line as they come, frames whose
   CRC is right (the worst bugs of parsers lie behind it), a session that gets as far as moving, time, samples, pulses.
   After each event the promises of SAFETY.md must hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "fake_board.h"

#define PROMISE(what) ((what) ? (void)0 : broken(#what))
#define CHANNELS 4U
#define MOVABLE ((1U << STATE_ARMED) | (1U << STATE_HOLD) | (1U << STATE_RELAX))

static struct device device;
static struct frame_decoder host;
static const uint8_t *input;
static size_t left;
static uint8_t host_seq;

static void broken(const char *promise) {
    fprintf(stderr, "broken: %s (state %u, reason %u)\n", promise, device.safety.state, device.safety.reason);
    abort();
}

static uint8_t take(void) {
    if (left == 0U) {
        return 0U;
    }
    left--;
    return *input++;
}

static uint16_t take_u16(void) {
    uint16_t high = take();
    return (uint16_t)(high << 8 | take());
}

static void check(uint8_t state_before) {
    const struct safety *s = &device.safety;
    PROMISE(s->state <= STATE_ESTOP);
    PROMISE(!s->pulses_on || ((1U << s->state) & MOVABLE) != 0U);
    PROMISE(state_before != STATE_ESTOP || s->state == STATE_ESTOP);
    PROMISE(state_before == s->state || s->state != STATE_ARMED || state_before == STATE_DISARMED ||
            state_before == STATE_HOLD);
    PROMISE(s->pulses_on || fake.servos_busy || !fake.pulses_on);
    for (uint8_t i = 0; i < SERVOS && s->configured; i++) {
        PROMISE(s->applied_cdeg[i] >= s->config.servo_min_cdeg[i] && s->applied_cdeg[i] <= s->config.servo_max_cdeg[i]);
        PROMISE(!fake.pulses_on || fake.pulse_half_us[i] >= 2U * PULSE_MIN_US);
        PROMISE(!fake.pulses_on || fake.pulse_half_us[i] <= 2U * PULSE_MAX_US);
    }
}

static void pass(uint8_t wake) {
    uint8_t state = device.safety.state;
    device_pass(&device, wake);
    check(state);
}

static void arrive(const uint8_t *bytes, uint16_t count) {
    memcpy(fake.rx, bytes, count);
    fake.rx_at = 0U;
    fake.rx_count = count;
    while (fake.rx_at < fake.rx_count) {
        pass(WAKE_RX);
    }
}

static void ignore(uint16_t end) { (void)end; }

static void arrive_frame(uint8_t type, const uint8_t *payload, uint8_t count) {
    uint8_t ring[TX_RING_BYTES];
    arrive(ring, frame_encode(ring, 0U, type, host_seq++, payload, count, ignore));
}

static void line_noise(void) {
    uint8_t bytes[255];
    uint8_t count = take();
    for (uint8_t i = 0; i < count; i++) {
        bytes[i] = take();
    }
    arrive(bytes, count);
}

static void any_frame(void) {
    static const uint8_t BYTES[] = {0, MSG_BYTES_HELLO, MSG_BYTES_CONFIG, MSG_BYTES_START, MSG_BYTES_STOP, MSG_BYTES_ARM,
                                    MSG_BYTES_DISARM, MSG_BYTES_ESTOP, MSG_BYTES_SETPOINT, MSG_BYTES_PING};
    uint8_t payload[FRAME_MAX_PAYLOAD];
    uint8_t type = take();
    uint8_t count = type < sizeof BYTES ? BYTES[type] : (uint8_t)(take() % (FRAME_MAX_PAYLOAD + 1U));
    for (uint8_t i = 0; i < count; i++) {
        payload[i] = take();
    }
    arrive_frame(type, payload, count);
}

static void good_config(void) {
    uint8_t payload[MSG_BYTES_CONFIG] = {0};
    put_u16(payload, 0x000F);
    put_u16(payload + 8, 2000);
    payload[10] = (uint8_t)(1U + take() % 30U);
    payload[11] = SAMPLE_FORMAT_INT16;
    for (uint8_t i = 0; i < SERVOS; i++) {
        uint16_t low = take_u16() % (ANGLE_MAX_CDEG / 2U);
        uint16_t high = (uint16_t)(low + take_u16() % (ANGLE_MAX_CDEG / 2U));
        put_u16(payload + 12 + 2 * i, low);
        put_u16(payload + 22 + 2 * i, high);
        put_u16(payload + 32 + 2 * i, (uint16_t)(low + (high - low) / 2U));
        put_u16(payload + 42 + 2 * i, (uint16_t)(PULSE_MIN_US + 7U * take()));
        put_u16(payload + 52 + 2 * i, PULSE_MAX_US);
    }
    put_u16(payload + 62, (uint16_t)(SERVO_PERIOD_MIN_US + take_u16() % (SERVO_PERIOD_MAX_US - SERVO_PERIOD_MIN_US + 1U)));
    put_u16(payload + 64, (uint16_t)(SLEW_MIN_CDEG_PER_S + take_u16() % (SLEW_MAX_CDEG_PER_S - SLEW_MIN_CDEG_PER_S)));
    put_u16(payload + 66, (uint16_t)(HOLD_MIN_MS + take() % (HOLD_MAX_MS - HOLD_MIN_MS)));
    put_u16(payload + 68, RELAX_MAX_MS);
    arrive_frame(MSG_CONFIG, payload, sizeof payload);
}

static void next_of_a_session(void) {
    uint8_t payload[MSG_BYTES_CONFIG] = {0};
    const struct safety *s = &device.safety;
    if (!s->protocol_matches) {
        put_u32(payload + 4, PROTO_HASH);
        arrive_frame(MSG_HELLO, payload, MSG_BYTES_HELLO);
    } else if (!s->configured) {
        good_config();
    } else if (!s->streaming) {
        put_u32(payload, s->config_crc);
        arrive_frame(MSG_START, payload, MSG_BYTES_START);
    } else if (s->state != STATE_DISARMED) {
        arrive_frame(MSG_DISARM, payload, 0);
    } else {
        put_u16(payload, s->boot_id);
        put_u32(payload + 2, s->config_crc);
        put_u16(payload + 6, s->challenge);
        arrive_frame(MSG_ARM, payload, MSG_BYTES_ARM);
    }
}

static void setpoint(bool near) {
    uint8_t payload[MSG_BYTES_SETPOINT];
    const struct config *c = &device.safety.config;
    for (uint8_t i = 0; i < SERVOS; i++) {
        uint16_t span = (uint16_t)(c->servo_max_cdeg[i] - c->servo_min_cdeg[i]);
        uint16_t angle = device.safety.applied_cdeg[i];
        if (!near) {
            angle = (uint16_t)(c->servo_min_cdeg[i] + take_u16() % (span + 1U));
        }
        put_u16(payload + 2 * i, angle);
    }
    payload[10] = 10;
    put_u32(payload + 11, device.inputs.sample_index - 1U - (near ? 0U : take() & 3U));
    arrive_frame(MSG_SETPOINT, payload, sizeof payload);
}

static void far_setpoint(void) {
    setpoint(false);
}

static void milliseconds(uint8_t count, bool sampling) {
    const int16_t values[CHANNELS] = {1, -1, 511, -512};
    for (uint8_t i = 0; i < count; i++) {
        fake.now_ms++;
        fake.clock_us += 1000U;
        if (sampling && fake.sampling) {
            uint8_t channels = channel_count(fake.channel_mask);
            fake_sample(values, channels <= CHANNELS ? channels : CHANNELS);
        }
        pass(WAKE_TICK);
    }
}

static void time_passes(void) {
    uint8_t ms = take();
    milliseconds(ms, (ms & 1U) != 0U || take() < 200U);
}

/* Long enough to take the hand back from HOLD. */
static void steady_host(void) {
    for (uint8_t i = 0; i < 60U; i++) {
        setpoint(true);
        milliseconds(10, true);
    }
}

static void pulses_begin(void) {
    uint32_t step_cdeg = (uint32_t)SLEW_MAX_CDEG_PER_S * device.safety.config.servo_period_us / 1000000U;
    uint16_t before[SERVOS];
    memcpy(before, device.safety.applied_cdeg, sizeof before);
    fake.begun = take() & ALL_SERVOS;
    pass(WAKE_PULSES);
    for (uint8_t i = 0; i < SERVOS; i++) {
        uint16_t now = device.safety.applied_cdeg[i];
        PROMISE((now > before[i] ? now - before[i] : before[i] - now) <= (int)step_cdeg);
    }
}

static void host_reads(void) {
    uint8_t bytes[TX_RING_BYTES];
    uint16_t count = fake_transmit(bytes, (uint16_t)(2U * take()));
    for (uint16_t i = 0; i < count; i++) {
        enum frame_event event = frame_decode(&host, bytes[i]);
        PROMISE(event == FRAME_NONE || event == FRAME_GOOD);
    }
}

static void board_changes(void) {
    uint8_t what = take();
    fake.servos_busy = (what & 1U) != 0U;
    fake.supply_mv = (what & 6U) == 6U ? 4000U : 6000U;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const EVENTS[])(void) = {line_noise,  any_frame,    next_of_a_session, far_setpoint, steady_host,
                                           time_passes, pulses_begin, host_reads,        board_changes};
    input = data;
    left = size;
    host_seq = 0U;
    memset(&host, 0, sizeof host);
    fake_reset();
    device_init(&device);
    while (left != 0U) {
        EVENTS[take() % (sizeof EVENTS / sizeof EVENTS[0])]();
    }
    return 0;
}
