"""The simulated hand: EMG sources, the firmware's behaviour, servos and line faults behind a virtual serial port."""
