/* Arduino Uno and Nano (ATmega328P): the one place of their pin numbers. The wiring documents are checked against it. */
#ifndef PINS_H
#define PINS_H

/* Servos: five neighbouring bits of one port, so that one write ends one pulse and begins the next.
     finger  Arduino pin  port  bit */
#define SERVO_PINS(X)   \
    X(THUMB, 8, B, 0)   \
    X(INDEX, 9, B, 1)   \
    X(MIDDLE, 10, B, 2) \
    X(RING, 11, B, 3)   \
    X(LITTLE, 12, B, 4)

/* EMG amplifiers: A0 ... A4; bit n of the channel mask is An. */
#define EMG_INPUTS 5

/* Servo supply: A5, through a divider from the 6 V rail. */
#define SUPPLY_INPUT 5
#define SUPPLY_UPPER_OHM 33000
#define SUPPLY_LOWER_OHM 10000

/* Status LED, lit when high; button, low when pressed.
     Arduino pin  port  bit */
#define LED_PIN(X) X(4, D, 4)
#define BUTTON_PIN(X) X(2, D, 2)

/* Line to the host: the USART, the board's USB connector (pins 0 and 1). */

#endif
