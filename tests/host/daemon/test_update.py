"""host/UPDATE.md: its commands run in their order, and nothing of the wearer's is lost."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from myobridge.commands.command_line import commands
from myobridge.daemon.diary.store import Line, diary_of
from myobridge.daemon.service import hand as hands
from myobridge.daemon.service.hand import ONLY
from myobridge.model.generations import Generations
from tiny_model import tiny_spec, write_tiny_model

PAGE = Path(__file__).parents[3] / "host" / "UPDATE.md"
ELSEWHERE = ("sudo systemctl ", "git pull", ".venv/bin/pip install .", "myobridge flash ")
"""Lines that need systemd, the network or a board."""


def lines_of_the_page():
    blocks = re.findall(r"^ *```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def computer(tmp_path, monkeypatch):
    """A computer with a service's folder, a calibrated model, settings and a diary."""
    documented = str(ONLY.model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(hands, "SERVICE_STATE", tmp_path / "var")
    monkeypatch.setattr("myobridge.daemon.permission.estop_memory.SERVICE_STATE", tmp_path / "none")
    ONLY.model.parent.mkdir(parents=True)
    for name in ("monday", "tuesday"):
        made = write_tiny_model(tmp_path / "base.onnx", tiny_spec(name=name))
        Generations(ONLY.model).keep(made.read_bytes(), f"{name} 9 of 10", "calibrated in seconds", when_s=1.8e9)
    Path("hand.toml").write_text("[servo]\nslew_deg_per_s = 100\n")
    diary_of(ONLY.link).append(Line(run=1, at_s=1.8e9, up_s=1.0, port=ONLY.link), ONLY.link)
    return documented


def run(line):
    result = CliRunner().invoke(commands, shlex.split(line))
    assert result.exit_code == 0, f"{line}: {result.output} {result.exception}"
    return result.output


def content():
    return {
        str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.suffix != ".myobackup"
    }


def test_every_command_of_the_page_runs_and_nothing_is_lost(computer):
    before, ran = content(), []
    for line in lines_of_the_page():
        if line.startswith(ELSEWHERE) or "--port /dev/myobridge" in line:
            continue
        words = line.removeprefix("sudo ").removeprefix(".venv/bin/")
        assert words.startswith("myobridge "), f"the test does not know {line!r}"
        words = words.removeprefix("myobridge ").replace(computer, str(ONLY.model))
        if words.startswith("install-service"):
            words += " --dry-run"
        ran.append((words.split()[0], run(words)))
        assert {name: content().get(name) for name in before} == before, line
    said = dict(ran)
    assert list(said) == ["backup", "install-service", "--version", "generations", "diary", "restore"]
    assert f"generations {ONLY.model} --add" in said["install-service"]
    assert "> 2: " in said["generations"]
    assert "calibrated in seconds; tuesday 9 of 10" in said["generations"]
    assert "Hand on /dev/myobridge" in said["diary"]
    assert "Restored: the model" in said["restore"]


def test_another_installation_of_the_first_model_keeps_the_newest_calibration(computer):
    base = write_tiny_model(Path("base.onnx"), tiny_spec(name="monday"))
    run(f"generations {ONLY.model} --add {base}")
    assert [one.in_place for one in Generations(ONLY.model).kept()] == [False, True]
    other = write_tiny_model(Path("other.onnx"), tiny_spec(name="other"))
    run(f"generations {ONLY.model} --add {other}")
    assert ONLY.model.read_bytes() == other.read_bytes()


def test_the_ports_of_the_page_s_commands_are_those_of_the_service():
    ports = set(re.findall(r"--port (\S+)", "\n".join(lines_of_the_page())))
    assert ports == {ONLY.link}
