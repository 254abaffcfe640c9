"""Under qemu a program cannot start itself, as the system knows no arm64: a script that runs qemu stands for it."""

import os
import sys

sys.executable = os.environ["ARM64_PYTHON"]
