/* Waveshare RP2040-Zero, and any other board that brings out these pins of an RP2040 with all four analogue ones. The one
   place of its pin numbers. The wiring documents are checked against it. */
#ifndef PINS_H
#define PINS_H

#define BOARD_FACTS BOARD_FACTS_RP2040
#define BOARD_MAX_CHANNELS RP2040_MAX_CHANNELS
#define BOARD_TITLE RP2040_TITLE

/* Servos, on hardware PWM. Two pins of one pair of GPIOs share a PWM slice, which is no matter.
     finger  GPIO */
#define FIRST_SERVO_PIN 2
#define SERVO_PINS(X) \
    X(THUMB, 2)       \
    X(INDEX, 3)       \
    X(MIDDLE, 4)      \
    X(RING, 5)        \
    X(LITTLE, 6)

/* EMG amplifiers: GP26 ... GP29; bit n of the channel mask is GP26 + n. */
#define EMG_INPUTS 4

/* Servo supply: the last of these inputs, through a divider, if the strap's pin is wired to GND. */
#define SUPPLY_INPUT 3
#define SUPPLY_UPPER_OHM 33000
#define SUPPLY_LOWER_OHM 10000
#define SUPPLY_STRAP_PIN 14

/* Status LED; button, low when pressed. */
#define LED_PIN 7
#define LED_LIT_WHEN_HIGH true
#define BUTTON_PIN 8

/* Line to the host: USB. */

#endif
