"""Networks as model files, and back."""
