#include "fake_board.h"

#include <string.h>

/* A Mega, but for its id. */
const struct board_info board_info = {
    .baud = 500000,
    .line_bytes_per_s = 50000,
    .tick_hz = 2000000,
    .slot_min_ticks = 100,
    .period_extra_ticks = 0,
    .period_max_ticks = 32767,
    .max_channels = 8,
    .adc_bits = 10,
    .slot_conversions = 1,
    .max_oversampling = 4,
    .pulses_in_turn = 1,
};

struct fake_board fake;
struct emg_buffer board_emg;
uint8_t board_tx_ring[TX_RING_BYTES];

void fake_reset(void) {
    memset(&fake, 0, sizeof fake);
    memset(&board_emg, 0, sizeof board_emg);
    memset(board_tx_ring, 0, sizeof board_tx_ring);
    memset(fake.eeprom, 0xFF, sizeof fake.eeprom);
    fake.eeprom_writes_left = UINT16_MAX;
    fake.boot_id = 0x1234;
    fake.supply_mv = 6000;
    fake.reset_cause = RESET_CAUSE_POWER_ON;
}

void fake_sample(const int16_t *values, uint8_t channels) {
    for (uint8_t i = 0; i < channels; i++) {
        emg_value(&board_emg, values[i]);
    }
    (void)emg_sample_done(&board_emg);
}

void fake_lost(void) { emg_lost(&board_emg); }

enum result fake_configure_check(const struct config *c) { return configure_check(c, &board_info); }

uint16_t fake_transmit(uint8_t *bytes, uint16_t most) {
    uint16_t count = 0;
    while (fake.tx_at != fake.tx_end && count < most) {
        bytes[count] = board_tx_ring[fake.tx_at];
        fake.tx_at = (uint16_t)((fake.tx_at + 1U) % TX_RING_BYTES);
        count++;
    }
    return count;
}

uint16_t board_capabilities(void) { return CAPABILITY_SUPPLY_SENSE | CAPABILITY_BUTTON; }
bool board_button(void) { return fake.button_down; }
void board_led(bool on) { fake.led = on; }
bool board_eeprom_busy(void) { return fake.eeprom_busy; }
uint8_t board_eeprom_read(uint16_t at) { return fake.eeprom[at % sizeof fake.eeprom]; }

/* The write in which the power is cut leaves anything. */
void board_eeprom_write(uint16_t at, uint8_t byte) {
    if (fake.eeprom_writes_left != 0U) {
        fake.eeprom_writes_left--;
        fake.eeprom_writes++;
        fake.eeprom[at % sizeof fake.eeprom] = fake.eeprom_writes_left != 0U ? byte : fake.eeprom_cut_byte;
    }
}

uint16_t board_boot_id(void) { return fake.boot_id; }
enum reset_cause board_reset_cause(void) { return (enum reset_cause)fake.reset_cause; }
void board_watchdog_feed(void) { fake.watchdog_feeds++; }
uint32_t board_now_ms(void) { return fake.now_ms; }
uint32_t board_clock_us(void) { return fake.clock_us; }
uint16_t board_supply_mv(void) { return fake.supply_mv; }
uint16_t board_rx_overruns(void) { return fake.rx_overruns; }
uint8_t board_rx_waiting(void) { return fake.rx_waiting; }
uint16_t board_samples(void) { return emg_samples(&board_emg); }
void board_tx_until(uint16_t end) { fake.tx_end = end; }

uint16_t board_stopwatch_half_us(void) {
    fake.stopwatch_half_us = (uint16_t)(fake.stopwatch_half_us + fake.stopwatch_step);
    return fake.stopwatch_half_us;
}

uint16_t board_tx_free(uint16_t head) {
    return (uint16_t)(fake.tx_at - head - 1U) % TX_RING_BYTES;
}

bool board_rx(uint8_t *byte) {
    if (fake.rx_at == fake.rx_count) {
        return false;
    }
    *byte = fake.rx[fake.rx_at++];
    return true;
}

void board_sampling_start(const struct config *config) {
    fake.sampling = true;
    fake.channel_mask = config->channel_mask;
    fake.sample_period_ticks = config->sample_period_ticks;
    fake.starts++;
    emg_reset(&board_emg, config->samples_per_frame, channel_count(config->channel_mask));
}

void board_sampling_stop(void) { fake.sampling = false; }

bool board_servos_ready(void) {
    return !fake.servos_busy && fake.begun == 0U;
}

bool board_servos_write(const uint16_t *pulse_half_us) {
    if (fake.servos_busy || fake.begun != 0U) {
        return false;
    }
    fake.period_of_pulses_us = fake.servo_period_us;
    memcpy(fake.pulse_half_us, pulse_half_us, sizeof fake.pulse_half_us);
    fake.pulses_on = true;
    fake.writes++;
    return true;
}

bool board_servos_off(uint16_t period_us) {
    if (fake.servos_busy) {
        return false;
    }
    fake.pulses_on = false;
    fake.servo_period_us = period_us;
    return true;
}

uint8_t board_pulses_begun(void) {
    uint8_t servos = fake.begun;
    fake.begun = 0U;
    return servos;
}
