"""myobridge: surface EMG in over a serial port, five servo angles of a prosthetic hand out."""

import os
from typing import Final

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
"""Set before onnxruntime is imported, which since 1.31 writes to ~/.cache and reports to its maker."""

SERVOS: Final = ("thumb", "index", "middle", "ring", "little")
