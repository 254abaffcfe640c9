/* The chip of the front end: an ADS1299 or an ADS1298 (TI) on SPI 0, as its data sheet asks for it. It has a clock of its own,
   converts eight channels at once, and lowers DRDY when the values can be read. Numbers in comments are sections of the
   ADS1299's data sheet (SBAS499C). Nothing here waits for ever: a chip that is silent gives zeros, and an ID of 0 is nobody's. */
#include <stddef.h>

#include "ads.h"
#include "pins.h"

#ifdef ADS_DRDY_PIN

#define SPI_FRAMES_OF_8_IN_MODE_1 (4U << 8 | BIT(7) | 7U) /* 7.7: CPOL 0, CPHA 1; 125 MHz / 2 / (4 + 1): 12.5 of at most 20 MHz */
#define SPI_PRESCALER 2U
#define SPI_ENABLE BIT(1)
#define SPI_NOT_EMPTY BIT(2)
#define SPI_FIFO 8U
#define LOOKS 4000U           /* a byte takes 0.64 us */

#define POWER_UP_MS 160U      /* 11.1: 2^18 clocks, 128 ms, and VCAP1 at 1.1 V */
#define REFERENCE_MS 160U     /* 7.5: 150 ms */
#define RESET_US 10U          /* 11.1: 2 clocks */
#define AFTER_RESET_US 20U    /* 9.4.2: 18 clocks */
#define DECODE_US 3U          /* 9.5.3.1: 4 clocks, 1.96 us, from the end of a byte to the end of the next, or to CS */
#define CS_HIGH_US 1U         /* 7.6: 2 clocks */

#define RDATAC 0x10U
#define SDATAC 0x11U
#define RREG 0x20U
#define WREG 0x40U
#define ID 0x00U
#define CONFIG1 0x01U
#define CONFIG3 0x03U
#define CH1SET 0x05U
#define BIAS_SENSP 0x0DU
#define LOFF_SENSN 0x10U
#define CONFIG4 0x17U
#define CONFIG4_COMPARATORS_ON 0x02U
#define CHANNEL_OFF 0x81U     /* 9.6.1.6: powered down, its input shorted */
#define CONFIG3_READ_ONLY 0x01U
#define SLOWEST 6U            /* 16 kHz, halved so often */

/* What differs between the chips. The gains make 8 steps of a value 0.36 uV (ADS1299) and 0.38 uV (ADS1298), with 375 and
   400 mV of room for what the electrodes themselves give. */
struct chip {
    uint8_t id, id_mask;      /* the other bits are the revision */
    uint8_t config1, config1_slowest;
    uint8_t config2;
    uint8_t config3;          /* reference and bias amplifier on */
    uint8_t loff;             /* a direct current of 6 nA; off is beyond 95 or 5 % of the supply */
    uint8_t channel;          /* gain, and the electrodes at its input */
};

static const struct chip CHIPS[] = {
    {0x1EU, 0x1FU, 0x90U, 0x96U, 0xC0U, 0xECU, 0x00U, 0x50U}, /* ADS1299: gain 12, reference 4.5 V */
    {0x92U, 0xFFU, 0x81U, 0x06U, 0x40U, 0xCCU, 0x03U, 0x00U}, /* ADS1298: gain 6, 2.4 V; 250 Hz only at low power */
};
#define CHIP_COUNT (sizeof CHIPS / sizeof CHIPS[0])

enum { REGISTERS = 17 };      /* CONFIG1 ... LOFF_FLIP, in one piece */

static const struct chip *chip; /* NULL: none that we know */

static void pause_us(uint32_t least) {
    uint32_t began = TIMER_RAW_LOW;
    while (TIMER_RAW_LOW - began <= least) {
    }
}

static void wait_ms(uint32_t least) {
    uint32_t began = board_now_ms();
    while (board_now_ms() - began <= least) {
        board_watchdog_feed();
        __asm__ volatile("wfi"); /* each millisecond ends it */
    }
}

/* ---- Bytes ---- */

static uint8_t exchange(uint8_t byte) {
    SPI_DATA = byte;
    for (uint16_t looks = LOOKS; looks != 0U && (SPI_STATUS & SPI_NOT_EMPTY) == 0U; looks--) {
    }
    uint8_t got = (uint8_t)SPI_DATA;
    pause_us(DECODE_US);
    return got;
}

static void select(void) {
    GPIO_OUT_SET = BIT(ADS_CS_PIN); /* resets the chip's side: a clock edge too many costs one frame */
    pause_us(CS_HIGH_US);
    GPIO_OUT_CLEAR = BIT(ADS_CS_PIN);
}

static void command(uint8_t opcode) {
    select();
    (void)exchange(opcode);
}

static uint8_t read_register(uint8_t at) {
    command(RREG | at);
    (void)exchange(0U); /* one register */
    return exchange(0U);
}

static void write_registers(uint8_t first, const uint8_t *values, uint8_t count) {
    command(WREG | first);
    (void)exchange((uint8_t)(count - 1U));
    for (uint8_t i = 0; i < count; i++) {
        (void)exchange(values[i]);
    }
}

/* Whether a register reads as it was written. */
static bool holds(uint8_t at, uint8_t value) {
    uint8_t ignored = at == CONFIG3 ? CONFIG3_READ_ONLY : 0U;
    return ((read_register(at) ^ value) & ~ignored) == 0U;
}

/* ---- The chip ---- */

static const struct chip *identify(void) {
    command(SDATAC); /* it begins in RDATAC, and a stream ends there */
    uint8_t id = read_register(ID);
    for (uint8_t i = 0; i < CHIP_COUNT; i++) {
        if ((id & CHIPS[i].id_mask) == CHIPS[i].id) {
            return &CHIPS[i];
        }
    }
    return NULL;
}

static void drive(uint8_t pin) {
    GPIO_OUTPUT_SET = BIT(pin);
    PIN_FUNCTION(pin) = FUNCTION_SIO;
}

static void pins_init(void) {
    SET(RESETS) = RESETS_SPI0;
    CLR(RESETS) = RESETS_SPI0;
    while ((RESETS_DONE & RESETS_SPI0) == 0U) {
    }
    SPI_CR0 = SPI_FRAMES_OF_8_IN_MODE_1;
    SPI_PRESCALE = SPI_PRESCALER;
    SPI_CR1 = SPI_ENABLE;
    PIN_FUNCTION(ADS_SCLK_PIN) = FUNCTION_SPI;
    PIN_FUNCTION(ADS_DIN_PIN) = FUNCTION_SPI;
    PIN_FUNCTION(ADS_DOUT_PIN) = FUNCTION_SPI;
    PIN_PAD(ADS_DRDY_PIN) = PAD_INPUT_PULLED_UP; /* a chip that is missing is never ready */
    PIN_FUNCTION(ADS_DRDY_PIN) = FUNCTION_SIO;
    GPIO_OUT_CLEAR = BIT(ADS_START_PIN);
    GPIO_OUT_SET = BIT(ADS_RESET_PIN) | BIT(ADS_CS_PIN);
    drive(ADS_START_PIN);
    drive(ADS_RESET_PIN);
    drive(ADS_CS_PIN);
}

void ads_init(void) {
    pins_init();
    wait_ms(POWER_UP_MS);
    GPIO_OUT_CLEAR = BIT(ADS_RESET_PIN);
    pause_us(RESET_US);
    GPIO_OUT_SET = BIT(ADS_RESET_PIN);
    pause_us(AFTER_RESET_US);
    chip = identify();
    if (chip != NULL) {
        write_registers(CONFIG3, &chip->config3, 1U);
        chip = holds(CONFIG3, chip->config3) ? chip : NULL;
        wait_ms(REFERENCE_MS);
    }
}

bool ads_found(void) {
    return chip != NULL;
}

static bool set_up(uint8_t mask, uint8_t halved) {
    uint8_t config1 = halved == SLOWEST ? chip->config1_slowest : (uint8_t)(chip->config1 + halved);
    uint8_t registers[REGISTERS] = {config1, chip->config2, chip->config3, chip->loff};
    for (uint8_t i = 0; i < ADS_CHANNELS; i++) {
        registers[CH1SET - CONFIG1 + i] = (mask & BIT(i)) != 0U ? chip->channel : CHANNEL_OFF;
    }
    for (uint8_t at = BIAS_SENSP; at <= LOFF_SENSN; at++) {
        registers[at - CONFIG1] = mask; /* both electrodes of each channel drive the bias and are looked after */
    }
    uint8_t config4 = CONFIG4_COMPARATORS_ON;
    write_registers(CONFIG1, registers, REGISTERS);
    write_registers(CONFIG4, &config4, 1U);
    for (uint8_t i = 0; i < REGISTERS; i++) {
        if (!holds((uint8_t)(CONFIG1 + i), registers[i])) {
            return false;
        }
    }
    return holds(CONFIG4, config4);
}

bool ads_start(uint8_t channel_mask, uint8_t halved) {
    if (chip == NULL || identify() != chip || !set_up(channel_mask, halved)) {
        return false;
    }
    command(RDATAC);
    GPIO_OUT_SET = BIT(ADS_START_PIN);
    return true;
}

void ads_stop(void) {
    GPIO_OUT_CLEAR = BIT(ADS_START_PIN);
}

void ads_read(uint8_t frame[ADS_FRAME_BYTES]) {
    select();
    uint8_t asked = 0U;
    uint8_t got = 0U;
    for (uint16_t looks = LOOKS; looks != 0U && got < ADS_FRAME_BYTES; looks--) {
        if (asked < ADS_FRAME_BYTES && asked < got + SPI_FIFO) {
            SPI_DATA = 0U; /* no command */
            asked++;
        }
        if ((SPI_STATUS & SPI_NOT_EMPTY) != 0U) {
            frame[got] = (uint8_t)SPI_DATA;
            got++;
        }
    }
}

#endif
