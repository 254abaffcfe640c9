"""Guided recording: what the wearer is asked to do and when, what is checked, and how it is shown."""
