"""The bridge: EMG from a stream of another program, servos on a board with our firmware, to the daemon one board."""
