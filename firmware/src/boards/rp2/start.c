/* The vectors, and the way from boot2 to main. */
#include "rp2.h"

#define VECTORS 48U
#define AT_EXTERNAL 16U

typedef void (*vector)(void);

extern uint32_t ram_begin[], ram_end[], ram_load[], bss_begin[], bss_end[], stack_top[];

int main(void);
void reset_handler(void);
void hang(void);
void timer_isr(void);
void pwm_isr(void);
void usb_isr(void);
void uart_isr(void);
void adc_isr(void);
void gpio_isr(void);

/* A fault, or an interrupt that nobody expects: the watchdog resets the board. */
void hang(void) {
    for (;;) {
    }
}

void usb_isr(void) __attribute__((weak, alias("hang")));
void uart_isr(void) __attribute__((weak, alias("hang")));
void adc_isr(void) __attribute__((weak, alias("hang")));
void gpio_isr(void) __attribute__((weak, alias("hang")));

__attribute__((section(".vectors"), used)) static const vector flash_vectors[2] = {(vector)(void *)stack_top, reset_handler};

__attribute__((section(".ram_vectors"), used)) static const vector ram_vectors[VECTORS] = {
    [0] = (vector)(void *)stack_top,
    [1] = reset_handler,
    [2 ... AT_EXTERNAL - 1U] = hang,
    [AT_EXTERNAL + IRQ_TIMER0] = timer_isr,
    [AT_EXTERNAL + 1U ... AT_EXTERNAL + 3U] = hang,
    [AT_EXTERNAL + IRQ_PWM] = pwm_isr,
    [AT_EXTERNAL + IRQ_USB] = usb_isr,
    [AT_EXTERNAL + 6U ... AT_EXTERNAL + 12U] = hang,
    [AT_EXTERNAL + IRQ_GPIO] = gpio_isr,
    [AT_EXTERNAL + 14U ... AT_EXTERNAL + 19U] = hang,
    [AT_EXTERNAL + IRQ_UART0] = uart_isr,
    [AT_EXTERNAL + 21U] = hang,
    [AT_EXTERNAL + IRQ_ADC] = adc_isr,
    [AT_EXTERNAL + 23U ... VECTORS - 1U] = hang,
};

__attribute__((section(".start"), used, noreturn)) void reset_handler(void) {
    uint32_t *from = ram_load;
    for (uint32_t *to = ram_begin; to != ram_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_begin; to != bss_end; to++) {
        *to = 0U;
    }
    VECTOR_TABLE = (uint32_t)(uintptr_t)ram_vectors;
    int (*volatile program)(void) = main; /* far from here, in RAM */
    program();
    for (;;) {
    }
}
