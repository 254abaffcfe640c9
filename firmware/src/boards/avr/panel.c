/* The status LED and the button. */
#include "avr.h"
#include "pins.h"

#define OUTPUT(pin, port, bit) DDR##port |= _BV(bit);
#define ON(pin, port, bit) PORT##port |= _BV(bit);
#define OFF(pin, port, bit) PORT##port &= (uint8_t)~_BV(bit);
#define LEVEL(pin, port, bit) (PIN##port & _BV(bit))

void panel_init(void) {
    LED_PIN(OUTPUT)
    BUTTON_PIN(ON) /* its pull-up, for a hand without a button */
}

bool board_button(void) {
    return BUTTON_PIN(LEVEL) == 0U;
}

/* One instruction, which needs no lock. */
void board_led(bool on) {
    if (on) {
        LED_PIN(ON)
    } else {
        LED_PIN(OFF)
    }
}
