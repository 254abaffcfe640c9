"""The wire: framing, messages, the serial link, the session on it and its clock, in that order."""
