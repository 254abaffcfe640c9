"""A trained network as a model file, and back."""
