"""The commands. Each module holds one command under its own name; only the command that runs is imported."""
