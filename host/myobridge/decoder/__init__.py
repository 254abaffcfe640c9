"""From EMG samples to servo angles, in data order: acquisition, pre-filter, window, inference, postprocess."""
