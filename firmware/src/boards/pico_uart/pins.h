/* Raspberry Pi Pico with UART 0 as its line, for a Raspberry Pi whose serial pins are wired to GP0 and GP1. All else is the
   Pico's. */
#define BOARD_FACTS BOARD_FACTS_PICO_UART
#define BOARD_MAX_CHANNELS PICO_UART_MAX_CHANNELS
#define BOARD_BAUD PICO_UART_BAUD
#define BOARD_TITLE PICO_UART_TITLE
#include "boards/pico/pins.h"

#define UART_TX_PIN 0
#define UART_RX_PIN 1
