/*
 * A small program that shows whether the simulator's own models behave as silicon does; see
 * tests/firmware/test_sim_models.py. It echoes bytes, samples input 0 and 1 by Timer0, makes a servo pulse where
 * a timer can, and does what a byte tells it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <util/delay.h>

#ifdef USART0_RX_vect
#define RX_vect USART0_RX_vect
#else
#define RX_vect USART_RX_vect
#endif

static volatile uint8_t command;
static volatile uint8_t keep_trigger_flag;

ISR(RX_vect) {
    command = UDR0;
    UDR0 = command;
}

ISR(ADC_vect) {
    if (!keep_trigger_flag) {
        TIFR0 = _BV(OCF0A); /* or there is no next conversion */
    }
    (void)ADC;
    ADMUX = _BV(REFS0) | ((ADMUX + 1U) & 1U);
}

static void uart_start(void) {
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UBRR0 = 3; /* 500 kbaud */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

static void sampling_start(void) {
    TCCR0A = _BV(WGM01);
    OCR0A = 249;
    TCCR0B = _BV(CS01); /* every 2000 cycles */
    ADMUX = _BV(REFS0);
    ADCSRB = _BV(ADTS1) | _BV(ADTS0); /* Timer0 compare match A */
    ADCSRA = _BV(ADEN) | _BV(ADATE) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1);
}

/* At the thumb's pin: by a timer on the mega2560, by hand on the uno. */
#ifdef OCR4A
static void pulse_start(void) {
    DDRH = _BV(PH3);
    ICR4 = 39999; /* 20 ms */
    OCR4A = 2999; /* 1.5 ms */
    TCCR4A = _BV(COM4A1) | _BV(WGM41);
    TCCR4B = _BV(WGM43) | _BV(WGM42) | _BV(CS41);
}

static void pulse_narrow(void) { OCR4A = 0; } /* half a microsecond */

static void pulse_widen(void) { OCR4A = 3999; }

static void pulse_off(void) { TCCR4A = _BV(WGM41); }
#else
static void pulse_start(void) { DDRB = _BV(PB0); }

static void pulse_narrow(void) {}

static void pulse_widen(void) { PORTB = _BV(PB0); }

static void pulse_off(void) { PORTB = 0; }
#endif

static void obey(uint8_t byte) {
    switch (byte) {
    case 'b': /* busy for 1 ms, deaf */
        cli();
        _delay_ms(1);
        sei();
        break;
    case 'f': keep_trigger_flag = 1; break;
    case 'h': wdt_enable(WDTO_15MS); break; /* and never fed */
    case 'n': pulse_narrow(); break;
    case 'p': pulse_widen(); break;
    case 'o': pulse_off(); break;
    case 'r': UDR0 = MCUSR; MCUSR = 0; break;
    case 't': /* two flags of one timer are up; clears one, tells the rest */
        TIFR0 = _BV(OCF0B);
        UDR0 = TIFR0;
        break;
    default: break;
    }
}

int main(void) {
    wdt_disable();
    uart_start();
    sampling_start();
    pulse_start();
    SMCR = _BV(SE);
    for (;;) {
        sei(); /* one more instruction runs before any interrupt: the sleep */
        __asm__ volatile("sleep\n\tcli");
        uint8_t byte = command;
        command = 0;
        if (byte != 0) {
            sei();
            obey(byte);
            cli();
        }
    }
}
