"""Recordings as training data: their sources, takes, labels and altered copies."""
