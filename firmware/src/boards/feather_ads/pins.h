/* Adafruit Feather RP2040 with an ADS1299 or ADS1298 as its front end: the one place of its pin numbers. The wiring documents
   are checked against it. */
#ifndef PINS_H
#define PINS_H

#define BOARD_FACTS BOARD_FACTS_FEATHER_ADS
#define BOARD_MAX_CHANNELS FEATHER_ADS_MAX_CHANNELS
#define BOARD_PERIOD_BASE_TICKS FEATHER_ADS_PERIOD_BASE_TICKS
#define BOARD_TITLE FEATHER_ADS_TITLE

/* Servos, on hardware PWM: the pins marked D4, D5, D6, D9 and D10.
     finger  GPIO */
#define FIRST_SERVO_PIN 6
#define SERVO_PINS(X) \
    X(THUMB, 6)       \
    X(INDEX, 7)       \
    X(MIDDLE, 8)      \
    X(RING, 9)        \
    X(LITTLE, 10)

/* EMG: the front end's channels 1 ... 8; bit n of the channel mask is channel n + 1. Its pins, in the order in which they lie
   side by side on the Feather: D24, D25, SCK, MO, MI, RX, TX. */
#define EMG_INPUTS 8
#define ADS_DRDY_PIN 24
#define ADS_CS_PIN 25
#define ADS_SCLK_PIN 18
#define ADS_DIN_PIN 19
#define ADS_DOUT_PIN 20
#define ADS_RESET_PIN 1
#define ADS_START_PIN 0

/* Servo supply: A3, through a divider, if the strap's pin D11 is wired to GND. */
#define SUPPLY_INPUT 3
#define SUPPLY_UPPER_OHM 33000
#define SUPPLY_LOWER_OHM 10000
#define SUPPLY_STRAP_PIN 11

/* Status LED: the board's own, D13; button on D12, low when pressed. */
#define LED_PIN 13
#define LED_LIT_WHEN_HIGH true
#define BUTTON_PIN 12

/* Line to the host: USB. */

#endif
