/* Raspberry Pi Pico: the one place of its pin numbers. The wiring documents are checked against it. */
#ifndef PINS_H
#define PINS_H

#ifndef BOARD_FACTS /* pico_uart is wired as this board */
#define BOARD_FACTS BOARD_FACTS_PICO
#define BOARD_MAX_CHANNELS PICO_MAX_CHANNELS
#define BOARD_TITLE PICO_TITLE
#endif

/* Servos, on hardware PWM.
     finger  GPIO */
#define FIRST_SERVO_PIN 2
#define SERVO_PINS(X) \
    X(THUMB, 2)       \
    X(INDEX, 3)       \
    X(MIDDLE, 4)      \
    X(RING, 5)        \
    X(LITTLE, 6)

/* EMG amplifiers: GP26 ... GP28; bit n of the channel mask is GP26 + n. The fourth input measures the board's own supply. */
#define EMG_INPUTS 3

/* Servo supply: GP28, through a divider, if the strap's pin is wired to GND. */
#define SUPPLY_INPUT 2
#define SUPPLY_UPPER_OHM 33000
#define SUPPLY_LOWER_OHM 10000
#define SUPPLY_STRAP_PIN 14

/* Status LED: the board's own; button, low when pressed. */
#define LED_PIN 25
#define LED_LIT_WHEN_HIGH true
#define BUTTON_PIN 15

/* Line to the host: USB. */

#endif
