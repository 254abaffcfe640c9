"""Finds faults of the hand, of this computer and of the electrodes: gathers facts, then judges them."""
