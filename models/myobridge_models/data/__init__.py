"""Recordings as training data: where they come from, their takes and labels, and altered copies."""
