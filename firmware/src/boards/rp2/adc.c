/* The converter, for single conversions; sampling.c lets it run free. */
#include "rp2.h"

#define FIRST_PIN 26U
#define READY_LOOKS 2000U /* a conversion takes 2 us; a look, 0.1 us */

bool adc_ready(void) {
    for (uint16_t looks = READY_LOOKS; looks != 0U; looks--) {
        if ((ADC_CS & ADC_CS_READY) != 0U) {
            return true;
        }
    }
    return false;
}

void adc_pin(uint8_t input) {
    PIN_PAD(FIRST_PIN + input) = PAD_ANALOG;
    PIN_FUNCTION(FIRST_PIN + input) = FUNCTION_NONE;
}

void adc_init(void) {
    ADC_CS = ADC_CS_ENABLE;
    (void)adc_ready();
}

bool adc_convert_now(uint8_t input, uint16_t *code) {
    ADC_CS = ADC_CS_ENABLE | ADC_CS_INPUT(input) | ADC_CS_START_ONE;
    bool done = adc_ready();
    *code = (uint16_t)ADC_RESULT;
    return done;
}
