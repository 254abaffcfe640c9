"""What a shell offers for a command that is half written, and --version."""

import pytest
from click.shell_completion import ShellComplete
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from myobridge.commands.command_line import commands as host
from myobridge.model.shipped import shipped_models
from myobridge_models.commands.command_line import commands as models


def offered(*words: str, group=host, kind: str = "plain") -> list[str]:
    *before, incomplete = words
    items = ShellComplete(group, {}, group.name, "").get_completions(before, incomplete)
    return [item.value for item in items if item.type == kind]


def test_a_command_and_an_option_are_offered():
    assert offered("ins") == ["inspect", "install-service"]
    assert "--view" in offered("run", "--vi")


@pytest.mark.parametrize("command", ["run", "replay", "doctor", "bench", "record", "install-service"])
def test_the_shipped_models_are_offered(command):
    assert set(offered(command, "--model", "")) == set(shipped_models())
    assert offered(command, "--model", "syn") == ["synth"]


@pytest.mark.parametrize("words", [("evaluate", ""), ("robustness", ""), ("calibrate", "--model", "")])
def test_the_shipped_models_are_offered_to_the_other_command_line(words):
    assert set(offered(*words, group=models)) == set(shipped_models())
    assert offered(*words, group=models, kind="file") == [""]


def test_files_are_offered_where_an_option_takes_a_name_or_a_file():
    assert offered("simulate", "--source", "") == ["synth"]
    for words in (("simulate", "--source", "r"), ("replay", "--json", "r"), ("import", "--poses", "r")):
        assert offered(*words, kind="file") == ["r"]


@pytest.mark.parametrize("command", ["run", "record", "doctor", "estop", "lift-estop", "view", "lsl", "calibrate"])
def test_the_serial_ports_are_offered(command, monkeypatch):
    ports = [ListPortInfo(name) for name in ("/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyS0")]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    assert offered(command, "--port", "/dev/ttyA") == ["/dev/ttyACM0", "/dev/ttyACM1"]
    assert offered("devices", "/dev/ttyS") == ["/dev/ttyS0"]
    assert offered("bridge", "--hand", "/dev/ttyS") == ["/dev/ttyS0"]


@pytest.mark.parametrize("group", [host, models], ids=lambda group: group.name)
def test_every_command_says_the_version(group):
    for name in group.list_commands(None):
        with pytest.raises(SystemExit) as ended:
            group.main([name, "--version"])
        assert ended.value.code == 0, name
