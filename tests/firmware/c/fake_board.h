/* A board in memory, for tests and fuzzing: what the firmware asked of it can be read, what it is told can be set. */
#ifndef FAKE_BOARD_H
#define FAKE_BOARD_H

#include "boards/board.h"

struct fake_board {
    uint32_t now_ms;
    uint32_t clock_us;
    uint16_t stopwatch_half_us;
    uint16_t stopwatch_step;       /* added at each look */
    uint16_t boot_id;
    uint16_t supply_mv;
    uint16_t rx_overruns;
    uint8_t reset_cause;

    uint8_t rx[4096];              /* bytes from the host */
    uint16_t rx_count;
    uint16_t rx_at;
    uint8_t rx_waiting;            /* what the firmware is told of them: no flood here takes time */

    uint16_t tx_at;                /* in board_tx_ring: as far as the line has got */
    uint16_t tx_end;               /* and as far as it may go */

    bool sampling;
    uint64_t channel_mask;
    uint16_t sample_period_ticks;
    uint16_t starts;

    bool servos_busy;              /* a write is refused */
    bool pulses_on;
    uint8_t begun;
    uint16_t pulse_half_us[SERVOS];
    uint16_t servo_period_us;      /* last told */
    uint16_t period_of_pulses_us;  /* when pulses were last written */
    uint16_t writes;
    uint16_t watchdog_feeds;

    bool button_down;
    bool led;

    uint8_t eeprom[1024];
    bool eeprom_busy;
    uint8_t eeprom_cut_byte;       /* what the last write leaves */
    uint16_t eeprom_writes_left;
    uint16_t eeprom_writes;
};

extern struct fake_board fake;

void fake_reset(void);
void fake_sample(const int16_t *values, uint8_t channels); /* what the converter's interrupt does */
void fake_lost(void);                                      /* samples were lost */
enum result fake_configure_check(const struct config *c);  /* configure_check for this board */
uint16_t fake_transmit(uint8_t *bytes, uint16_t most);     /* takes what the line would carry */

#endif
