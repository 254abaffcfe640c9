"""Recordings: the `.myo` log that a session writes, its reader, recordings in memory, and exports.

[host/RECORDING.md](../../RECORDING.md) describes the log in enough detail to write another reader.
"""

from myobridge.recording.arrays import Recording
from myobridge.recording.log_frames import Header
from myobridge.recording.npz import DEFAULT_ADC_BITS
from myobridge.recording.writer import RecordingWriter

__all__ = ["DEFAULT_ADC_BITS", "Header", "Recording", "RecordingWriter"]
