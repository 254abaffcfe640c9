"""Recordings: samples in memory, the `.myo` log that a session writes, and what reads and exports them.

[host/RECORDING.md](../../RECORDING.md) describes the log so that a stranger can write a reader.
"""

from myobridge.recording.arrays import Recording
from myobridge.recording.log_frames import Header
from myobridge.recording.npz import DEFAULT_ADC_BITS
from myobridge.recording.writer import RecordingWriter

__all__ = ["DEFAULT_ADC_BITS", "Header", "Recording", "RecordingWriter"]
