"""The networks: the shape that follows from the sampling rate, the detectors, and all families."""
