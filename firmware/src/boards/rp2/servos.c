/* Five servos on hardware PWM: each slice counts the servo period at 2 MHz, in step with the others, so all pulses begin
   together. Compare values and top are double-buffered and take hold when the next period begins (4.5.2.3); a compare value
   of 0 makes no pulse. So no pulse is ever cut. */
#include "rp2.h"
#include "pins.h"

#define WRITE_TICKS 8U          /* all writes surely come before the next period */
#define DIVIDER (62U << 4 | 8U) /* 125 MHz / 62.5 */
#define COMPARE_B_SHIFT 16U

#define SLICE(pin) ((pin) / 2U % 8U)
#define SLICE_BIT(finger, pin) | BIT(SLICE(pin))
#define SLICES (0U SERVO_PINS(SLICE_BIT))
#define PIN_OF(finger, pin) pin,

static const uint8_t PINS[SERVOS] = {SERVO_PINS(PIN_OF)};
static volatile uint8_t begun;
static volatile bool on; /* from the next period on */
static volatile uint32_t top = 2U * SERVO_PERIOD_MAX_US - 1U;
static volatile uint32_t next_top = 2U * SERVO_PERIOD_MAX_US - 1U;

#define CLOCK_SLICE SLICE(FIRST_SERVO_PIN)

void pwm_isr(void);
void pwm_isr(void) {
    PWM_INTR = BIT(CLOCK_SLICE);
    top = next_top;
    begun = on ? (1U << SERVOS) - 1U : 0U;
    wake_up(WAKE_PULSES);
}

static void each_slice(volatile uint32_t *(*reg)(uint8_t), uint32_t value) {
    for (uint8_t slice = 0; slice < 8U; slice++) {
        if ((SLICES & BIT(slice)) != 0U) {
            *reg(slice) = value;
        }
    }
}

static volatile uint32_t *divider_of(uint8_t slice) {
    return &PWM_DIV(slice);
}

static volatile uint32_t *top_of(uint8_t slice) {
    return &PWM_TOP(slice);
}

static volatile uint32_t *compare_of(uint8_t slice) {
    return &PWM_COMPARE(slice);
}

void servos_init(void) {
    each_slice(divider_of, DIVIDER);
    each_slice(top_of, top);
    each_slice(compare_of, 0U);
    PWM_INTE = BIT(CLOCK_SLICE);
    PWM_ENABLE = SLICES;
    for (uint8_t i = 0; i < SERVOS; i++) {
        PIN_FUNCTION(PINS[i]) = FUNCTION_PWM;
    }
    NVIC_ENABLE = BIT(IRQ_PWM);
}

/* Locked by the caller. */
static bool before_next_period(void) {
    return PWM_COUNT(CLOCK_SLICE) <= top - WRITE_TICKS && (PWM_INTR & BIT(CLOCK_SLICE)) == 0U;
}

bool board_servos_ready(void) {
    return begun == 0U;
}

bool board_servos_write(const uint16_t *pulse_half_us) {
    uint32_t compare[8] = {0U};
    for (uint8_t i = 0; i < SERVOS; i++) {
        compare[SLICE(PINS[i])] |= (uint32_t)pulse_half_us[i] << ((PINS[i] & 1U) != 0U ? COMPARE_B_SHIFT : 0U);
    }
    uint32_t mask = lock();
    bool now = begun == 0U && before_next_period();
    if (now) {
        for (uint8_t slice = 0; slice < 8U; slice++) {
            if ((SLICES & BIT(slice)) != 0U) {
                PWM_COMPARE(slice) = compare[slice];
            }
        }
        on = true;
    }
    unlock(mask);
    return now;
}

bool board_servos_off(uint16_t period_us) {
    uint32_t mask = lock();
    bool now = before_next_period();
    if (now) {
        next_top = 2U * period_us - 1U;
        each_slice(compare_of, 0U);
        each_slice(top_of, next_top);
        on = false;
    }
    unlock(mask);
    return now;
}

uint8_t board_pulses_begun(void) {
    uint32_t mask = lock();
    uint8_t servos = begun;
    begun = 0U;
    unlock(mask);
    return servos;
}
