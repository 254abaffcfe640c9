/* The status LED and the button. */
#include "rp2.h"
#include "pins.h"

void panel_init(void) {
    PIN_PAD(BUTTON_PIN) = PAD_INPUT_PULLED_UP; /* for a hand without a button */
    PIN_FUNCTION(BUTTON_PIN) = FUNCTION_SIO;
    board_led(false);
    GPIO_OUTPUT_SET = BIT(LED_PIN);
    PIN_FUNCTION(LED_PIN) = FUNCTION_SIO;
}

bool board_button(void) {
    return (GPIO_IN & BIT(BUTTON_PIN)) == 0U;
}

void board_led(bool lit) {
    if (lit == LED_LIT_WHEN_HIGH) {
        GPIO_OUT_SET = BIT(LED_PIN);
    } else {
        GPIO_OUT_CLEAR = BIT(LED_PIN);
    }
}
