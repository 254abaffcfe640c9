"""myobridge: surface EMG in over a serial port, five servo angles of a prosthetic hand out."""

import os
from typing import Final

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
"""Before onnxruntime is imported: from 1.31 on it would write to ~/.cache and tell its maker over the network."""

SERVOS: Final = ("thumb", "index", "middle", "ring", "little")
