"""What the wearer hears: short tones, and words where a speech program is installed."""
