/* A sample's way: boards/avr/sampling.c -> emg.h -> link.c -> frame.c -> the line.
   A setpoint's way: the line -> frame.c -> dispatch.c -> safety.c -> device.c -> servo_map.c -> boards/.../servos.c. */
#include "boards/board.h"
#include "device.h"

static struct device device; /* too large for the stack of a small board */

int main(void) {
    board_init();
    device_init(&device);
    for (;;) {
        device_pass(&device, board_wait());
    }
}
