"""Makes sys.executable a script that runs qemu, because the system cannot execute an arm64 Python directly."""

import os
import sys

sys.executable = os.environ["ARM64_PYTHON"]
