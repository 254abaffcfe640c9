"""`myobridge flash`: the firmware of every board is in this package, and goes into the board without a toolchain."""
