/* Adafruit Feather RP2040: the one place of its pin numbers. The wiring documents are checked against it. */
#ifndef PINS_H
#define PINS_H

#define BOARD_FACTS BOARD_FACTS_FEATHER
#define BOARD_MAX_CHANNELS FEATHER_MAX_CHANNELS
#define BOARD_TITLE FEATHER_TITLE

/* Servos, on hardware PWM: the pins marked D4, D5, D6, D9 and D10.
     finger  GPIO */
#define FIRST_SERVO_PIN 6
#define SERVO_PINS(X) \
    X(THUMB, 6)       \
    X(INDEX, 7)       \
    X(MIDDLE, 8)      \
    X(RING, 9)        \
    X(LITTLE, 10)

/* EMG amplifiers: A0 ... A3; bit n of the channel mask is An. */
#define EMG_INPUTS 4

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
