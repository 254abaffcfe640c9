"""Under qemu a program cannot start itself: the system knows no arm64. It starts this script instead, which runs qemu."""

import os
import sys

sys.executable = os.environ["ARM64_PYTHON"]
