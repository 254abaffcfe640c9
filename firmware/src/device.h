/* The hand: what the main loop does in one pass, and its answers to the host. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "limits.h"
#include "panel.h"
#include "safety.h"

struct counters {
    uint16_t crc_errors;
    uint16_t length_errors;
    uint16_t unknown_types;
    uint16_t seq_gaps;
    uint16_t tx_drops;
};

/* Frames that wait for the end of the pass, in the order in which they go out. */
enum due { DUE_IDENT = 1 << 0, DUE_CONFIG_ACK = 1 << 1, DUE_LIMITS = 1 << 2, DUE_PONG = 1 << 3, DUE_STATUS = 1 << 4 };

struct device {
    struct safety safety;
    struct safety_inputs inputs; /* as of this pass */
    struct limits_store limits;
    struct push_button button;
    int16_t slope[SERVOS];       /* of the CONFIG's servos (servo_map.h) */
    struct frame_decoder decoder;
    struct counters counters;
    uint32_t status_ms;          /* last STATUS that was not an answer */
    uint32_t fed_at_sample;      /* sample index at the last feeding of the watchdog */
    uint16_t tx_head;            /* in the board's ring */
    uint16_t max_loop_half_us;
    uint8_t tx_seq;
    uint8_t rx_seq;              /* that the next frame should have */
    bool rx_seq_known : 1;       /* bits, because a small board's stack needs the bytes */
    bool tx_dropped : 1;         /* EMG frames, since the last one sent */
    bool period_due : 1;         /* the servos have not been told the CONFIG's period */
    bool servos_told : 1;        /* they are on, with safety's told_cdeg */
    uint8_t due;                 /* bits of enum due; of two requests of a kind the newer is answered */
    uint16_t nonce;              /* for IDENT */
    uint8_t config_result;       /* for CONFIG_ACK */
    uint8_t limits_result;       /* for LIMITS */
    struct pong pong;
    bool pose_due;               /* the servos may have to be told something new */
    uint8_t ack_type;
    uint8_t ack_seq;
    uint8_t ack_result;
};

void device_init(struct device *d);
void device_limits_changed(struct device *d); /* or the CONFIG that they are held against */
void device_configured(struct device *d);
void device_pass(struct device *d, uint8_t wake); /* wake: bits of enum wake */

#endif
