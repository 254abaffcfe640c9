"""The model file: read, judged by its bytes, tried in a process of its own, and loaded."""
