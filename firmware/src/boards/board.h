/* What the portable firmware asks of a board. A new board is a folder that defines these, with a pins.h. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "configure.h"
#include "emg.h"

extern const struct board_info board_info;

void board_init(void);                  /* leaves the EEPROM ready, if it ever gets ready */
uint16_t board_capabilities(void);      /* bits capability, as of now */
uint16_t board_boot_id(void);           /* another one after each reset */
enum reset_cause board_reset_cause(void);

/* Sleeps until something is to do; gives and forgets what it was. */
enum wake { WAKE_TICK = 1 << 0, WAKE_EMG = 1 << 1, WAKE_RX = 1 << 2, WAKE_PULSES = 1 << 3 };
uint8_t board_wait(void);               /* WAKE_TICK comes every millisecond */
void board_watchdog_feed(void);

uint32_t board_now_ms(void);
uint32_t board_clock_us(void);
uint16_t board_stopwatch_half_us(void); /* wraps after 32 ms */

/* Line. The ring is the portable side's to fill (frame_encode); its bytes go out in order. */
extern uint8_t board_tx_ring[TX_RING_BYTES];
uint16_t board_tx_free(uint16_t head);  /* bytes that may be written from `head` on */
void board_tx_until(uint16_t end);      /* all bytes before this position may go out */
bool board_rx(uint8_t *byte);           /* false: nothing there */
uint8_t board_rx_waiting(void);         /* bytes that are there, of at most 255 */
uint16_t board_rx_overruns(void);       /* bytes lost so far, wraps */

/* Sampling, started by hardware at exact times; fills board_emg and says WAKE_EMG for each full frame. */
extern struct emg_buffer board_emg;
void board_sampling_start(const struct config *config);
void board_sampling_stop(void);
uint16_t board_samples(void);           /* taken since START, low 16 bits; called at least every millisecond */

/* Servos. Widths that are written take hold with the next pulse, whole pulses only. False: not now (a pulse is running,
   or has begun and board_pulses_begun has not been asked); try again within a millisecond. */
bool board_servos_ready(void);          /* a hint that saves work */
bool board_servos_write(const uint16_t *pulse_half_us);
bool board_servos_off(uint16_t period_us); /* the next ones come at this period */
uint8_t board_pulses_begun(void);       /* bit for each servo whose pulse has begun since the last call */
uint16_t board_supply_mv(void);         /* of the servos; 0: not measured. Called every millisecond */

/* Panel. */
bool board_button(void);                /* pressed, as its contact has it: it may bounce */
void board_led(bool on);

/* EEPROM: bytes that outlast power. A write takes milliseconds; until it is over, neither read nor write. */
bool board_eeprom_busy(void);
uint8_t board_eeprom_read(uint16_t at);
void board_eeprom_write(uint16_t at, uint8_t byte); /* begins it */

#endif
