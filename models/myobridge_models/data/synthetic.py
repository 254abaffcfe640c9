"""Recordings of the simulated wearer, whose finger angles are known."""

from __future__ import annotations

from myobridge.recording import Recording
from myobridge.simulator.synth import SynthOptions, SynthSource


def record(options: SynthOptions, seconds: float) -> Recording:
    """Records the first `seconds` of a session, with true angles."""
    counts, angles_deg = SynthSource(options).read(round(seconds * options.fs_hz))
    return Recording(counts, options.fs_hz, options.adc_bits, angles_deg=angles_deg)
