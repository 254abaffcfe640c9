"""Makes a Raspberry Pi's file system without a Pi: Debian for arm64 with the runtime's wheels, and qemu to run Python.

python arm64_root.py makes both roots in build/arm64 of the clone, where they stay until the versions change. It needs
neither root's rights nor a chroot: apt uses a state of its own, packages are unpacked instead of installed, and pip
takes the wheels that it takes on a Pi. The roots have no compiler, so a package without a wheel fails.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CLONE = Path(__file__).parents[2]
FOLDER = CLONE / "build" / "arm64"
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS = ("apt-get", "dpkg-deb", "tar")
WHEELS = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, 37)))
"""Wheels that the older C library of the two systems (2.36) can load."""
QEMU_SUITE = "trixie"
"""bookworm's qemu (7.2) crashes in onnxruntime and does not support unusual baud rates."""


@dataclass(frozen=True)
class System:
    """A Debian release on which a Raspberry Pi OS is based."""

    suite: str
    python: str

    @property
    def root(self) -> Path:
        return FOLDER / self.suite

    def command(self, cpu: str, *arguments, program: str = "python3") -> list[str]:
        """The command that runs one of its programs on this model of processor; use it with `environment`."""
        qemu = [FOLDER / "qemu" / "usr/bin/qemu-aarch64", "-cpu", cpu, "-L", self.root]
        return list(map(str, [*qemu, self.root / "usr/bin" / program, *arguments]))

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that contain nothing of this machine but the path of the working tree."""
        packages = [CLONE / "host", CLONE / "models", self.root / "wheels"]
        return {
            "PATH": "/usr/bin",
            "HOME": str(self.root),
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "PYTHONPYCACHEPREFIX": str(self.root / "pycache"),
        }


SYSTEMS = (System("bookworm", "3.11"), System("trixie", "3.13"))


def run(*command, **settings) -> str:
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True, **settings).stdout


def debs(suite: str, architecture: str, *packages: str) -> list[Path]:
    """Fetches packages and their dependencies, without touching the state of the system's own apt."""
    state = FOLDER / "apt" / f"{suite}-{architecture}"
    archives = state / "cache/archives"
    for folder in (state / "lists/partial", archives / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n")
    options = {
        "Dir::Etc::SourceList": state / "sources",
        "Dir::Etc::SourceParts": "-",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
    run(*apt, "update")
    run(*apt, "install", "--download-only", "--yes", *packages)
    return sorted(archives.glob("*.deb"))


def unpack(packages: list[Path], root: Path, *members: str) -> None:
    for folder in ("bin", "lib", "sbin"):
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar:
            run("tar", "-x", "-C", root, *members, stdin=tar.stdout)


def add_wheels(system: System) -> None:
    """Installs the project as a user does, in CI's versions, and only from wheels, because the root has no compiler."""
    platforms = [f"--platform={wheel}_aarch64" for wheel in WHEELS]
    environment = {**os.environ, "PIP_CONSTRAINT": str(CLONE / ".ci/constraints.txt")}
    target = ("--target", system.root / "wheels", "--python-version", system.python, "--only-binary=:all:")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    run(*pip, *target, *platforms, CLONE, env=environment)
    for name in ("myobridge", "myobridge_models"):
        shutil.rmtree(system.root / "wheels" / name)  # the tests run the working tree


def versions() -> str:
    """Text of every file on which the roots depend."""
    files = (Path(__file__), CLONE / "pyproject.toml", CLONE / ".ci/constraints.txt")
    return "".join(file.read_text(encoding="utf-8") for file in files)


def make() -> None:
    """Makes the roots, unless they exist in these versions."""
    made_of = FOLDER / "made_of"
    if made_of.exists() and made_of.read_text(encoding="utf-8") == versions():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    native = run("dpkg", "--print-architecture").strip()
    unpack(debs(QEMU_SUITE, native, "qemu-user"), FOLDER / "qemu", "./usr/bin/qemu-aarch64")
    for system in SYSTEMS:
        unpack(debs(system.suite, "arm64", "python3", "libstdc++6", "udev"), system.root)
        add_wheels(system)
    shutil.rmtree(FOLDER / "apt")
    made_of.write_text(versions(), encoding="utf-8")


if __name__ == "__main__":
    make()
