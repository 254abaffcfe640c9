/* Arduino Mega 2560: the one place of its pin numbers. The wiring documents are checked against it. */
#ifndef PINS_H
#define PINS_H

/* Servos. Each pin is the output of a hardware PWM channel, so a pulse's width has no jitter.
     finger  Arduino pin  port  bit  timer  channel */
#define SERVO_PINS(X)     \
    X(THUMB, 6, H, 3, 4, A)   \
    X(INDEX, 7, H, 4, 4, B)   \
    X(MIDDLE, 8, H, 5, 4, C)  \
    X(RING, 46, L, 3, 5, A)   \
    X(LITTLE, 45, L, 4, 5, B)

/* EMG amplifiers: A0 ... A7; bit n of the channel mask is An. */
#define EMG_INPUTS 8

/* Servo supply: A8, through a divider from the 6 V rail. */
#define SUPPLY_INPUT 8
#define SUPPLY_UPPER_OHM 33000
#define SUPPLY_LOWER_OHM 10000

/* Status LED, lit when high; button, low when pressed.
     Arduino pin  port  bit */
#define LED_PIN(X) X(4, G, 5)
#define BUTTON_PIN(X) X(2, E, 4)

/* Line to the host: USART 0, the board's USB connector (pins 0 and 1). */

#endif
