/* Time: the crystal's 12 MHz make 125 MHz for the processor and 48 MHz for converter and USB; the timer counts microseconds,
   and its alarm 0 ticks every millisecond. */
#include "rp2.h"

#define USED                                                                                                              \
    (RESETS_ADC | RESETS_IO | RESETS_PADS | RESETS_PLL_SYS | RESETS_PLL_USB | RESETS_PWM | RESETS_TIMER | RESETS_UART0 | \
     RESETS_USB)
#define CRYSTAL_STARTUP 47U /* 2.16.3: 1 ms in units of 256 periods */
#define PLL_LOCKED BIT(31)
#define TICK_US 1000U

static volatile uint32_t now_ms;
static volatile uint8_t wake_bits;

void timer_isr(void);
void timer_isr(void) {
    TIMER_INTR = BIT(0);
    TIMER_ALARM0 += TICK_US;
    now_ms++;
    wake_up(WAKE_TICK);
}

static void pll_init(uint32_t pll, uint32_t feedback, uint32_t divider1, uint32_t divider2) {
    REG(pll) = 1U;
    REG(pll + 8U) = feedback;
    CLR(pll + 4U) = BIT(5) | BIT(0); /* VCO and core on */
    while ((REG(pll) & PLL_LOCKED) == 0U) {
    }
    REG(pll + 0xCU) = divider1 << 16 | divider2 << 12;
    CLR(pll + 4U) = BIT(3); /* dividers on */
}

void clock_init(void) {
    CLK_REF_CTRL = 0U; /* off the PLLs, which a watchdog's reset may have left running */
    CLK_SYS_CTRL = 0U;
    SET(RESETS) = USED;
    REG(XOSC) = 0xAA0U; /* 1 to 15 MHz */
    REG(XOSC + 0xCU) = CRYSTAL_STARTUP;
    SET(XOSC) = 0xFABU << 12;
    while ((REG(XOSC + 4U) & BIT(31)) == 0U) {
    }
    CLK_REF_CTRL = 2U;
    CLR(RESETS) = USED & ~(RESETS_ADC | RESETS_USB); /* these two need their clock first */
    while ((RESETS_DONE & (RESETS_PLL_SYS | RESETS_PLL_USB)) != (RESETS_PLL_SYS | RESETS_PLL_USB)) {
    }
    pll_init(PLL_SYS, 125U, 6U, 2U); /* 12 MHz x 125 / 12 */
    pll_init(PLL_USB, 100U, 5U, 5U); /* 12 MHz x 100 / 25 */
    CLK_SYS_CTRL = BIT(0);
    CLK_PERI_CTRL = CLK_ENABLE;
    CLK_USB_CTRL = CLK_ENABLE;
    CLK_ADC_CTRL = CLK_ENABLE;
    CLR(RESETS) = USED;
    while ((RESETS_DONE & USED) != USED) {
    }
    WATCHDOG_TICK = BIT(9) | 12U; /* the timer's microsecond, and the watchdog's */
    TIMER_INTE = BIT(0);
    TIMER_ALARM0 = TIMER_RAW_LOW + TICK_US;
    NVIC_PRIORITY(IRQ_TIMER0 / 4U) = 0x00000080UL;             /* last */
    NVIC_PRIORITY(IRQ_PWM / 4U) = 0x00004000UL;                /* the pulses first, then USB */
    NVIC_PRIORITY(IRQ_UART0 / 4U) = 0x00000040UL;              /* the converter first, then the UART */
    NVIC_ENABLE = BIT(IRQ_TIMER0);
}

uint32_t board_now_ms(void) {
    return now_ms;
}

uint32_t board_clock_us(void) {
    return TIMER_RAW_LOW;
}

uint16_t board_stopwatch_half_us(void) {
    return (uint16_t)(2U * TIMER_RAW_LOW);
}

void wake_up(uint8_t bits) {
    uint32_t mask = lock();
    wake_bits |= bits;
    unlock(mask);
}

uint8_t board_wait(void) {
    for (;;) {
        uint32_t mask = lock();
        uint8_t wake = wake_bits;
        wake_bits = 0U;
        if (wake == 0U) {
            __asm__ volatile("wfi" ::: "memory"); /* ends with an interrupt that waits, even a locked out one */
        }
        unlock(mask);
        if (wake != 0U) {
            return wake;
        }
    }
}
