"""Guided recording and calibration: prompts for the wearer, their timing, checks of the signal, and the display."""
