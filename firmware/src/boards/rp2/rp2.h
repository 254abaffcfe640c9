/* The RP2040's registers that this firmware uses, and what the drivers share. Numbers in comments are sections of the RP2040
   data sheet.

   The program runs from RAM (link.ld): no instruction waits for the flash, so interrupts take the same time always, and the
   flash can be written while the hand moves (eeprom.c). */
#ifndef RP2_H
#define RP2_H

#include <stdint.h>

#include "boards/board.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SET(address) REG((address) + 0x2000U) /* 2.1.2: writing here sets bits, */
#define CLR(address) REG((address) + 0x3000U) /* and here it clears them, in one access */
#define BIT(n) (UINT32_C(1) << (n))

#define CPU_HZ 125000000UL
#define ADC_HZ 48000000UL

/* 2.14 Resets */
#define RESETS 0x4000C000UL
#define RESETS_DONE REG(RESETS + 8U)
#define RESETS_ADC BIT(0)
#define RESETS_IO BIT(5)
#define RESETS_PADS BIT(8)
#define RESETS_PLL_SYS BIT(12)
#define RESETS_PLL_USB BIT(13)
#define RESETS_PWM BIT(14)
#define RESETS_SPI0 BIT(16)
#define RESETS_TIMER BIT(21)
#define RESETS_UART0 BIT(22)
#define RESETS_USB BIT(24)

/* 2.15 Clocks, 2.16 crystal, 2.18 PLLs */
#define CLK_REF_CTRL REG(0x40008030UL)
#define CLK_SYS_CTRL REG(0x4000803CUL)
#define CLK_PERI_CTRL REG(0x40008048UL)
#define CLK_USB_CTRL REG(0x40008054UL)
#define CLK_ADC_CTRL REG(0x40008060UL)
#define CLK_ENABLE BIT(11)
#define XOSC 0x40024000UL
#define PLL_SYS 0x40028000UL
#define PLL_USB 0x4002C000UL

/* 2.19 GPIO: what drives a pin, and its pad. 2.3.1 SIO: a pin in software's hands */
#define PIN_FUNCTION(pin) REG(0x40014004UL + 8U * (pin))
#define FUNCTION_SPI 1U
#define FUNCTION_UART 2U
#define FUNCTION_PWM 4U
#define FUNCTION_SIO 5U
#define FUNCTION_NONE 31U
#define PIN_PAD(pin) REG(0x4001C004UL + 4U * (pin))
#define PAD_ANALOG BIT(7)                               /* output and input disabled, no pull */
#define PAD_INPUT_PULLED_UP (BIT(6) | BIT(3) | BIT(1))  /* input enabled, pull-up, Schmitt trigger */
#define GPIO_IN REG(0xD0000004UL)
#define GPIO_OUT_SET REG(0xD0000014UL)
#define GPIO_OUT_CLEAR REG(0xD0000018UL)
#define GPIO_OUTPUT_SET REG(0xD0000024UL)
#define GPIO_EDGES(pin) REG(0x400140F0UL + 4U * ((pin) / 8U)) /* that have come; a 1 clears */
#define GPIO_EDGES_ENABLED(pin) (0x40014100UL + 4U * ((pin) / 8U))
#define GPIO_FALLING(pin) BIT(4U * ((pin) % 8U) + 2U)

/* 4.6 Timer, 4.7 watchdog, 2.13 power-on state machine, 2.12 chip-level reset, 2.17 ring oscillator */
#define TIMER_RAW_LOW REG(0x40054028UL)
#define TIMER_ALARM0 REG(0x40054010UL)
#define TIMER_INTR REG(0x40054034UL)
#define TIMER_INTE REG(0x40054038UL)
#define WATCHDOG 0x40058000UL
#define WATCHDOG_LOAD REG(WATCHDOG + 4U)
#define WATCHDOG_REASON REG(WATCHDOG + 8U)
#define WATCHDOG_SCRATCH0 REG(WATCHDOG + 0xCU)
#define WATCHDOG_TICK REG(WATCHDOG + 0x2CU)
#define PSM_WDSEL REG(0x40010008UL)
#define CHIP_RESET REG(0x40064008UL)
#define ROSC_RANDOM_BIT REG(0x4006001CUL)

/* 4.5 PWM */
#define PWM 0x40050000UL
#define PWM_DIV(slice) REG(PWM + 0x14U * (slice) + 0x4U)
#define PWM_COUNT(slice) REG(PWM + 0x14U * (slice) + 0x8U)
#define PWM_COMPARE(slice) REG(PWM + 0x14U * (slice) + 0xCU)
#define PWM_TOP(slice) REG(PWM + 0x14U * (slice) + 0x10U)
#define PWM_ENABLE REG(PWM + 0xA0U)
#define PWM_INTR REG(PWM + 0xA4U)
#define PWM_INTE REG(PWM + 0xA8U)

/* 4.9 ADC */
#define ADC_CS REG(0x4004C000UL)
#define ADC_CS_ENABLE BIT(0)
#define ADC_CS_START_ONE BIT(2)
#define ADC_CS_START_MANY BIT(3)
#define ADC_CS_READY BIT(8)
#define ADC_CS_INPUT(n) ((uint32_t)(n) << 12)
#define ADC_CS_ROUND_ROBIN(mask) ((uint32_t)(mask) << 16)
#define ADC_RESULT REG(0x4004C004UL)
#define ADC_FCS REG(0x4004C008UL)
#define ADC_FCS_ENABLE BIT(0)
#define ADC_FCS_ERRORS (BIT(10) | BIT(11))
#define ADC_FCS_OVERFLOW BIT(11)
#define ADC_FCS_LEVEL(fcs) ((fcs) >> 16 & 0xFU)
#define ADC_FCS_INTERRUPT_AT(level) ((uint32_t)(level) << 24)
#define ADC_FIFO REG(0x4004C00CUL)
#define ADC_DIV REG(0x4004C010UL)
#define ADC_INTE REG(0x4004C018UL)

/* 4.4 SPI 0 */
#define SPI_CR0 REG(0x4003C000UL)
#define SPI_CR1 REG(0x4003C004UL)
#define SPI_DATA REG(0x4003C008UL)
#define SPI_STATUS REG(0x4003C00CUL)
#define SPI_PRESCALE REG(0x4003C010UL)

/* 2.4.8 NVIC */
#define NVIC_ENABLE REG(0xE000E100UL)
#define NVIC_PRIORITY(n) REG(0xE000E400UL + 4U * (n)) /* a byte for each of four interrupts; 0x00 goes before 0x40 */
#define VECTOR_TABLE REG(0xE000ED08UL)
#define IRQ_TIMER0 0U
#define IRQ_PWM 4U
#define IRQ_USB 5U
#define IRQ_GPIO 13U
#define IRQ_UART0 20U
#define IRQ_ADC 22U

/* Interrupts off, and back to what they were. */
static inline uint32_t lock(void) {
    uint32_t mask;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask)::"memory");
    return mask;
}

static inline void unlock(uint32_t mask) {
    __asm__ volatile("msr primask, %0" ::"r"(mask) : "memory");
}

void wake_up(uint8_t bits); /* enum wake */

void clock_init(void);
void reset_init(void);
void eeprom_init(void);
void line_init(void);
void adc_init(void);
void sampling_init(void);
void servos_init(void);
void panel_init(void);
void supply_init(void);

/* Gives the pin of an input to the converter. */
void adc_pin(uint8_t input);

/* A look at the converter: it waits for the end of a conversion. False: the converter has stalled. */
bool adc_ready(void);

/* The code of one input, at once, while nothing is sampled. False: the converter has stalled. */
bool adc_convert_now(uint8_t input, uint16_t *code);

/* What the source of the samples adds to the board's capabilities. */
uint16_t sampling_capabilities(void);

/* The supply's newest code while a stream samples it too. False: none since the last call. */
bool sampling_supply(uint16_t *code);
bool sampling_runs(void); /* on this converter */

/* Whether the supply's divider is fitted: its input is then sampled with the EMG's. */
bool supply_fitted(void);

/* The eight bytes that make this board's flash unlike any other. */
void flash_unique_id(uint8_t id[8]);

/* Ends here: starts the boot ROM's loader, which shows the drive RPI-RP2. */
void enter_boot_loader(void) __attribute__((noreturn));

#endif
