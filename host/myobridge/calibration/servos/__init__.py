"""Finds the ends of the five servos with a person at the keys, and stores them in the board (`myobridge servos`)."""
