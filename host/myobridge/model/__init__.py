"""The model file: reads it, checks its bytes, tries it in a separate process, and loads it."""
