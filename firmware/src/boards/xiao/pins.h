/* Seeed Studio XIAO RP2040: the one place of its pin numbers. The wiring documents are checked against it. */
#ifndef PINS_H
#define PINS_H

#define BOARD_FACTS BOARD_FACTS_XIAO
#define BOARD_MAX_CHANNELS XIAO_MAX_CHANNELS
#define BOARD_TITLE XIAO_TITLE

/* Servos, on hardware PWM: the pins marked D8, D10, D9, D4 and D5.
     finger  GPIO */
#define FIRST_SERVO_PIN 2
#define SERVO_PINS(X) \
    X(THUMB, 2)       \
    X(INDEX, 3)       \
    X(MIDDLE, 4)      \
    X(RING, 6)        \
    X(LITTLE, 7)

/* EMG amplifiers: D0 ... D3; bit n of the channel mask is Dn. */
#define EMG_INPUTS 4

/* Servo supply: D3, through a divider, if the strap's pin D7 is wired to GND. */
#define SUPPLY_INPUT 3
#define SUPPLY_UPPER_OHM 33000
#define SUPPLY_LOWER_OHM 10000
#define SUPPLY_STRAP_PIN 1

/* Status LED: the board's own red one; button on D6, low when pressed. */
#define LED_PIN 17
#define LED_LIT_WHEN_HIGH false
#define BUTTON_PIN 0

/* Line to the host: USB. */

#endif
