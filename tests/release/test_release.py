"""A release as people get it: made by its script, installed from the wheel alone, and run."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import requires
from pathlib import Path

import pytest

from myobridge.feed.flashing.images import index

ROOT = Path(__file__).parents[2]
INTERPRETERS = [f"python3.{minor}" for minor in range(11, 15)]
"""Those that are not on this machine are left to the workflow `release`."""
NEWEST, OLDEST = "newest", "oldest"
SHIPPED = ("synth", "follow", "biopatrec", "population")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # packages are fetched, on a machine that may be busy


def lowest() -> str:
    """The oldest version of each runtime dependency that pyproject.toml allows, as pip's constraints."""
    runtime = [line for line in requires("myobridge") if "extra ==" not in line]
    return "\n".join(re.sub(r"([\w-]+).*>=([\d.]+).*", r"\1==\2", line) for line in runtime)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    out = tmp_path_factory.mktemp("release")
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run(["sh", ROOT / ".github/release/make.sh", out], check=True, env=environment)
    return out


def runs(interpreter: str) -> bool:
    """Whether it is there; a version manager may have a name without the interpreter."""
    return shutil.which(interpreter) is not None and not subprocess.run([interpreter, "-c", ""], check=False).returncode


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("interpreter", "versions"), [(INTERPRETERS[0], OLDEST), *((name, NEWEST) for name in INTERPRETERS)]
)
def test_the_wheel_alone_runs_the_demo_with_the_shipped_models(release, tmp_path, interpreter, versions):
    if not runs(interpreter):
        pytest.skip(f"{interpreter} is not on this machine.")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if versions == OLDEST:
        (tmp_path / "lowest").write_text(lowest(), encoding="utf-8")
        environment["PIP_CONSTRAINT"] = str(tmp_path / "lowest")
    (wheel,) = release.glob("*.whl")

    def run(*command):
        return subprocess.run(command, check=True, env=environment, cwd=tmp_path, capture_output=True, text=True).stdout

    run(interpreter, "-m", "venv", "clean")
    run("clean/bin/pip", "install", "--quiet", wheel)
    for model in SHIPPED:
        run("clean/bin/python", "-c", f"from myobridge.model.shipped import find_model; find_model('{model}').stat()")
    summary = json.loads(run("clean/bin/myobridge", "demo", "--seconds", "6", "--headless", "--json", "-"))
    assert summary["mae_deg"] < 30
    assert summary["samples_lost"] == 0


def test_the_hashes_are_those_of_the_files(release):
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=release, capture_output=True, text=True, check=True)
    assert {line.partition(":")[0] for line in checked.stdout.splitlines()} == {
        path.name for path in release.iterdir() if path.name != "SHA256SUMS"
    }


def test_the_firmware_of_each_board_lies_beside_the_wheel_as_the_wheel_has_it(release):
    images = {f"myobridge-firmware-{entry.file}": entry.sha256 for entry in index().boards.values()}
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in release.glob("myobridge-firmware-*")}
    assert files == images


def test_the_list_of_packages_names_the_wheel_and_all_that_it_brings(release):
    parts = json.loads((release / "sbom.cdx.json").read_text(encoding="utf-8"))["components"]
    named = {part["name"].lower() for part in parts}
    wanted = {re.match(r"[\w-]+", line)[0].lower() for line in requires("myobridge") if "extra ==" not in line}
    assert {"myobridge", *wanted} <= named
    assert all(part["version"] for part in parts)
