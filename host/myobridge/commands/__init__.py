"""The commands, one module each, which holds the command under its own name; only the one that runs is imported."""
