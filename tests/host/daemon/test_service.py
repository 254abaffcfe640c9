"""The service: the files that are installed, and the verdict of systemd and udev on them."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from myobridge.commands.install_service import install_service
from myobridge.daemon.permission.estop_memory import SERVICE_STATE
from myobridge.daemon.service import board as boards
from myobridge.daemon.service import hand as hands
from myobridge.daemon.service import install
from myobridge.daemon.service.board import Board, any_arduino, board_on, one_board_on
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.daemon.service.install import TAKE_UP, Remove, Run, Write, install_steps, uninstall_steps
from myobridge.daemon.service.texts import TAKEN, rule_text, unit_text
from myobridge.errors import UserError
from myobridge.feed import feed_path
from myobridge.feed.place import SERVICE, folders
from myobridge.model.generations import Generations
from myobridge.settings import RealtimeSettings
from tiny_model import tiny_spec, write_tiny_model

LINK, UNIT, UNIT_PATH, RULE_PATH = ONLY.link, ONLY.unit, ONLY.unit_path, ONLY.rule_path
LEFT, RIGHT = Hand("left"), Hand("right")
COMMAND = [sys.executable, "-m", "myobridge", "run", "--port", LINK, "--model", "/home/an na/50% $me.onnx"]
EXPOSURE = 2.0


def unit(command=COMMAND, user="daemon", hand=ONLY):
    return unit_text(user, command, any_arduino(), RealtimeSettings().fifo_priority, hand)


def settings(text):
    """Key → value; of a repeated key the last value."""
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


@pytest.fixture(params=[ONLY, LEFT], ids=["the only hand", "one of two"])
def unit_file(request, tmp_path):
    path = tmp_path / request.param.unit
    path.write_text(unit(hand=request.param), encoding="utf-8")
    return path


def analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed; tests/run.sh installs it.")
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_systemd_understands_every_line_of_the_unit(unit_file):
    result = analyze("verify", "--man=no", unit_file)
    output = result.stdout + result.stderr  # a misspelt key is reported here, but the exit code is 0
    assert (result.returncode, output) == (0, "")


def test_the_service_has_little_exposure(unit_file):
    threshold = f"--threshold={EXPOSURE * 10:.0f}"
    result = analyze("security", "--offline=true", "--no-pager", threshold, unit_file)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Overall exposure level" in result.stdout


def test_no_placeholder_is_left_and_the_service_neither_arms_nor_opens_the_network():
    assert not re.search("@[A-Z]+@", unit())
    command = settings(unit())["ExecStart"]
    assert "--arm" not in command
    assert "--view" not in command


def test_a_model_file_cannot_exhaust_memory_and_the_daemon_dumps_no_core():
    found = settings(unit())
    assert found["MemoryMax"] == "512M"
    assert found["LimitCORE"] == "0"


def test_realtime_scheduling_and_locked_memory_stay_possible():
    found = settings(unit())
    assert found["RestrictRealtime"] == "no"
    assert int(found["LimitRTPRIO"]) == RealtimeSettings().fifo_priority
    assert found["LimitMEMLOCK"] == "infinity"
    assert "sched_setscheduler" in found["SystemCallFilter"]


def test_paths_reach_the_daemon_unchanged():
    assert '"/home/an na/50%% $$me.onnx"' in unit()
    assert '"/home/@USER@"' in unit(["/bin/true", "/home/@USER@"])
    assert r'"a\"b\\c"' in unit(["/bin/true", 'a"b\\c'])


@pytest.mark.parametrize("bad", ["a\nExecStartPre=+/bin/sh", "a\0b", "a\rb"])
def test_no_name_can_add_a_line_to_the_unit(bad):
    with pytest.raises(UserError, match="cannot be used in a systemd unit"):
        unit(["/bin/true", bad])
    with pytest.raises(UserError, match="cannot be used in a systemd unit"):
        unit(user=bad)


def test_the_rule_names_the_port_and_starts_the_service_for_each_arduino():
    lines = [line for line in rule_text(any_arduino()).splitlines() if not line.startswith("#")]
    assert len(lines) == len(boards.ARDUINOS)
    for line in lines:
        assert f'SYMLINK+="{LINK.removeprefix("/dev/")}"' in line
        assert f'ENV{{SYSTEMD_WANTS}}+="{UNIT}"' in line
        assert 'ENV{ID_MM_PORT_IGNORE}="1"' in line


@pytest.fixture
def plugged_in(monkeypatch):
    """Makes a path below /dev look like a port with this USB device behind it."""

    def plug(device, **usb):
        monkeypatch.setattr(boards.Path, "is_char_device", lambda _path: True)
        ports = [SimpleNamespace(device=device, **usb)] if usb else []
        monkeypatch.setattr(boards, "comports", lambda: ports)

    return plug


def test_a_given_port_stands_for_the_board_on_it(plugged_in):
    plugged_in("/dev/ttyACM7", vid=0x2341, pid=0x42, serial_number="7573530303135110F0A1")
    match = 'ATTRS{idVendor}=="2341", ATTRS{idProduct}=="0042", ATTRS{serial}=="7573530303135110F0A1"'
    assert board_on("/dev/ttyACM7") == Board((match,), "ttyACM")


def test_a_clone_without_a_serial_number_is_identified_by_its_chip(plugged_in):
    plugged_in("/dev/ttyUSB0", vid=0x1A86, pid=0x7523, serial_number=None)
    assert board_on("/dev/ttyUSB0") == Board(('ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523"',), "ttyUSB")


def test_the_rule_of_a_port_that_is_not_usb_uses_its_name(plugged_in):
    plugged_in("/dev/ttyAMA0")
    assert board_on("/dev/ttyAMA0") == Board(('KERNEL=="ttyAMA0"',), "ttyAMA")


@pytest.mark.parametrize("serial", ['1", RUN+="/bin/sh', "*", "a b", "1\n", "$attr{x}", "%k", "x" * 65])
def test_a_board_cannot_write_into_the_rule(plugged_in, serial):
    plugged_in("/dev/ttyACM0", vid=0x2341, pid=0x42, serial_number=serial)
    assert board_on("/dev/ttyACM0").matches == ('ATTRS{idVendor}=="2341", ATTRS{idProduct}=="0042"',)


def test_a_missing_port_and_a_file_that_is_not_a_port_are_errors():
    with pytest.raises(UserError, match="There is no port /dev/ttyNONE0"):
        board_on("/dev/ttyNONE0")
    with pytest.raises(UserError, match="not a board's serial port"):
        board_on("/dev/null")


def test_installing_writes_both_files_and_uninstalling_removes_them():
    done = install_steps("unit", "rule")
    assert done[:2] == [Write(UNIT_PATH, "unit"), Write(RULE_PATH, "rule")]
    assert done[2:-1] == list(TAKE_UP)
    assert done[-1].words == ("systemctl", "restart", UNIT)
    undone = uninstall_steps(installed=True)
    assert undone[0].words == ("systemctl", "stop", UNIT)
    assert {step.path for step in undone if isinstance(step, Remove)} == {
        step.path for step in done if isinstance(step, Write)
    }
    assert not [step for step in uninstall_steps(installed=False) if isinstance(step, Run) and "stop" in step.words]


def test_a_written_file_is_whole_readable_and_replaced(tmp_path):
    step = Write(tmp_path / "unit", "text\n")
    step.take()
    step.take()
    assert step.path.read_text() == "text\n"
    assert step.path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [step.path]
    Remove(step.path).take()
    Remove(step.path).take()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "step",
    [
        Write(UNIT_PATH / "none" / "file", "text"),
        Remove(UNIT_PATH.parent),
        Run(("false",), "do this"),
        Run(("no-such-program",), "do this"),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_step_that_fails_is_one_sentence(step):
    with pytest.raises(UserError) as failed:
        step.take()
    assert str(failed.value).endswith((".", "?"))


def call(capsys, *arguments):
    install_service.main(list(map(str, arguments)), standalone_mode=False)
    return capsys.readouterr().out


def test_a_dry_run_shows_every_file_and_command_and_does_nothing(capsys, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(install.subprocess, "run", lambda *_arguments, **_more: pytest.fail("It ran something."))
    shown = call(capsys, "--model", "synth", "--dry-run")
    for path in (UNIT_PATH, RULE_PATH):
        assert f"write {path}:" in shown
    assert "    User=daemon\n" in shown
    assert "run systemctl daemon-reload" in shown
    assert "synth.onnx" in shown
    assert f"remove {UNIT_PATH}" in call(capsys, "--uninstall", "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dry-run",), "with --model"),
        (("--model", "none.onnx", "--dry-run"), "none.onnx"),
        (("--model", "synth", "--config", "none.toml", "--dry-run"), "none.toml"),
        (("--model", "synth", "--port", "/dev/ttyNONE0", "--dry-run"), "There is no port"),
        (("--model", "synth"), "Only root"),
        (("--uninstall",), "Only root"),
    ],
)
def test_each_mistake_is_reported_before_any_change(capsys, monkeypatch, arguments, words):
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match=words):
        call(capsys, *arguments)


@pytest.mark.parametrize(("user", "words"), [("root", "must not run as root"), ("no-such-user", "no user")])
def test_the_daemon_runs_as_a_person_and_never_as_root(monkeypatch, user, words):
    monkeypatch.setenv("SUDO_USER", user)
    with pytest.raises(UserError, match=words):
        install.owner()


def test_the_service_makes_its_feed_where_its_person_s_programs_look(monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(SERVICE))  # as systemd sets it for the service
    assert feed_path(LINK).parent == SERVICE
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    assert feed_path(LINK).parent != SERVICE
    assert SERVICE in folders()
    assert f"RuntimeDirectory={SERVICE.name}\nRuntimeDirectoryMode=0700" in unit()


@pytest.mark.parametrize(
    ("plugged_in", "arguments", "says"),
    [
        (True, ("--model", "synth"), "runs, disarmed"),
        (False, ("--model", "synth"), "starts when the hand is plugged in"),
        (False, ("--uninstall",), "is removed"),
    ],
)
def test_as_root_it_takes_every_step_in_order_and_reports_the_result(
    capsys, monkeypatch, tmp_path, plugged_in, arguments, says
):
    taken = []
    link = tmp_path / "hand"
    if plugged_in:
        link.touch()
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Hand, "link", str(link))
    for kind in (Write, Remove, Run):
        monkeypatch.setattr(kind, "take", lambda step: taken.append(str(step)))
    install_service.main(list(arguments), standalone_mode=False)
    assert says in capsys.readouterr().err
    install_service.main([*arguments, "--dry-run"], standalone_mode=False)
    assert capsys.readouterr().out == "".join(f"{step}\n" for step in taken)


# --- two hands --------------------------------------------------------------------------------------------


def test_the_only_hand_keeps_the_names_of_earlier_versions():
    assert (LINK, UNIT) == ("/dev/myobridge", "myobridge.service")
    assert (str(UNIT_PATH), str(RULE_PATH)) == (
        "/etc/systemd/system/myobridge.service",
        "/etc/udev/rules.d/70-myobridge.rules",
    )


def test_two_hands_share_nothing_but_their_folders():
    for what in ("unit", "unit_path", "rule_path", "link"):
        assert len({getattr(hand, what) for hand in (ONLY, LEFT, RIGHT)}) == 3, what
    assert (LEFT.unit, LEFT.link) == ("myobridge@left.service", "/dev/myobridge-left")
    for key in ("RuntimeDirectory", "StateDirectory"):
        assert settings(unit(hand=LEFT))[key] == settings(unit())[key] == "myobridge"
    assert settings(unit())["RuntimeDirectoryPreserve"] == "yes", (
        "otherwise the first service that stops removes both feeds"
    )
    assert f"ConditionPathExists={LEFT.link}\n" in unit(hand=LEFT)


@pytest.mark.parametrize("name", ["", "left", "r2", "a-b", "0123456789abcdef"])
def test_a_valid_hand_name_works_everywhere(name):
    assert Hand(name).name == name


@pytest.mark.parametrize(
    "name", ["Left", "-a", "a b", "a/b", "../x", "a.b", "a@b", "a\n", "ä", "x" * 17, '"', "%i", "$a"]
)
def test_an_invalid_hand_name_is_refused(name):
    with pytest.raises(UserError, match="lowercase letters, digits and -"):
        Hand(name)


class Udev:
    """The part of udev that these rules need: files in the order of their names, == and != on a device, = and +=."""

    def __init__(self, *rules):
        self.files = sorted((hand.rule_path.name, rule_text(board, hand)) for hand, board in rules)

    def plug(self, **device):
        """The links that a port with these attributes gets, and the services that it starts."""
        env, links, wants = {}, [], []
        for _, text in self.files:
            for line in (line for line in text.splitlines() if not line.startswith("#")):
                words = [
                    re.fullmatch(r'([A-Z_]+)(?:{(\w+)})?(==|!=|\+=|=)"(.*)"', word).groups()
                    for word in line.split(", ")
                ]
                if all(self._holds(word, device, env) for word in words):
                    for key, name, operator, value in words:
                        if (key, operator) == ("SYMLINK", "+="):
                            links.append(value)
                        elif name == "SYSTEMD_WANTS":
                            wants.append(value)
                        elif (key, operator) == ("ENV", "="):
                            env[name] = value
        return links, wants

    @staticmethod
    def _holds(word, device, env):
        key, name, operator, value = word
        if operator not in ("==", "!="):
            return True
        found = {"ACTION": "add", "SUBSYSTEM": "tty"}.get(key) or (env if key == "ENV" else device).get(name or key, "")
        return (
            fnmatch.fnmatchcase(found, value) == (operator == "==") if "|" not in value else found in value.split("|")
        )


MEGA = {"idVendor": "2341", "idProduct": "0042"}


def board_with(serial):
    return Board((f'ATTRS{{idVendor}}=="2341", ATTRS{{idProduct}}=="0042", ATTRS{{serial}}=="{serial}"',), "ttyACM")


def test_each_board_gets_its_own_name_and_starts_its_own_service_only():
    udev = Udev((ONLY, any_arduino()), (LEFT, board_with("L0000001")), (RIGHT, board_with("R0000002")))
    assert udev.plug(**MEGA, serial="L0000001") == (["myobridge-left"], ["myobridge@left.service"])
    assert udev.plug(**MEGA, serial="R0000002") == (["myobridge-right"], ["myobridge@right.service"])
    assert udev.plug(**MEGA, serial="X0000003") == (["myobridge"], ["myobridge.service"])
    assert udev.plug(idVendor="1a86", idProduct="7523", serial="") == ([], [])


def test_one_of_two_hands_is_identified_by_its_serial_number(plugged_in):
    plugged_in("/dev/ttyACM7", vid=0x2341, pid=0x42, serial_number="7573530303135110F0A1", location="1-1.2:1.0")
    assert one_board_on("/dev/ttyACM7") == board_with("7573530303135110F0A1")


@pytest.mark.parametrize("serial", [None, "0001", '1", RUN+="/bin/sh'])
@pytest.mark.parametrize("location", ["1-1.2", "1-1.2:1.0"])
def test_one_of_two_hands_without_its_own_serial_number_is_identified_by_its_socket(plugged_in, serial, location):
    plugged_in("/dev/ttyUSB0", vid=0x1A86, pid=0x7523, serial_number=serial, location=location)
    match = 'ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523", KERNELS=="1-1.2"'
    assert one_board_on("/dev/ttyUSB0") == Board((match,), "ttyUSB", "1-1.2")


def test_one_of_two_hands_on_the_pis_own_pins_is_identified_by_its_name(plugged_in):
    plugged_in("/dev/ttyAMA3")
    assert one_board_on("/dev/ttyAMA3") == Board(('KERNEL=="ttyAMA3"',), "ttyAMA")


@pytest.mark.parametrize("location", [None, "", '1-1", RUN+="x', "usb1"])
def test_a_board_that_nothing_distinguishes_is_refused(plugged_in, location):
    plugged_in("/dev/ttyUSB0", vid=0x1A86, pid=0x7523, serial_number=None, location=location)
    with pytest.raises(UserError, match="cannot be distinguished from others"):
        one_board_on("/dev/ttyUSB0")


@pytest.fixture
def system(tmp_path, monkeypatch, plugged_in):
    """A computer with its own folders, a user, and a board that is plugged in."""
    monkeypatch.setenv("SUDO_USER", "daemon")
    for name in ("UNITS", "RULES"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(hands, name, tmp_path / name)
    plugged_in("/dev/ttyACM0", vid=0x2341, pid=0x42, serial_number="L0000001", location="1-1:1.0")
    return tmp_path


def hand_installed(hand, board, user="daemon", rule=None):
    hand.unit_path.write_text(unit(user=user, hand=hand))
    hand.rule_path.write_text(rule or rule_text(board, hand))


NEW = ("--model", "synth", "--name", "left", "--port", "/dev/ttyACM0", "--dry-run")


def test_a_second_hand_is_installed_beside_the_first(capsys, system):
    hand_installed(ONLY, any_arduino())
    hand_installed(RIGHT, board_with("R0000002"))
    shown = call(capsys, *NEW)
    assert f"write {LEFT.unit_path}:" in shown
    assert f"write {LEFT.rule_path}:" in shown
    assert '"--port" "/dev/myobridge-left"' in shown
    assert "run systemctl restart myobridge@left.service" in shown


def test_each_hand_has_its_own_model_and_its_own_page():
    hands_ = (ONLY, LEFT, RIGHT, Hand("third"), Hand("fourth"))
    assert len({hand.model.parent for hand in hands_}) == len(hands_)
    assert [hand.view_port for hand in hands_[:3]] == [8765, 8766, 8767]
    assert len({hand.view_port for hand in hands_}) == len(hands_)
    assert all(hand.model.is_relative_to(SERVICE_STATE) for hand in hands_), "the only folder that it may write to"


def test_the_service_runs_the_model_in_the_hands_own_folder(capsys, system):
    shown = call(capsys, *NEW)
    assert f'"--model" "{LEFT.model}"' in shown
    assert re.search(f"run runuser -u daemon -- .* generations {LEFT.model} --add .*synth.onnx", shown)
    assert re.search(f"run install -d -m 700 -o daemon -g [0-9]+ .*{LEFT.model.parent}\n", shown)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can install a service")
def test_another_installation_keeps_the_calibrated_model(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "SERVICE_STATE", tmp_path / "state")
    monkeypatch.setattr(hands, "SERVICE_STATE", tmp_path / "state")
    base, mine = write_tiny_model(tmp_path / "base.onnx"), LEFT.model
    calibrated = write_tiny_model(tmp_path / "calibrated.onnx", tiny_spec(name="calibrated")).read_bytes()
    for _ in range(2):
        for step in install.model_steps("root", base, LEFT):
            step.take()
        if len(Generations(mine).kept()) == 1:
            assert mine.read_bytes() == base.read_bytes()
            Generations(mine).keep(calibrated, "Fist 9 of 10", "calibrated in seconds")
    assert mine.read_bytes() == calibrated
    assert {folder.stat().st_mode & 0o777 for folder in (tmp_path / "state", mine.parent.parent, mine.parent)} == {
        0o700
    }


def test_devices_say_how_each_board_is_known_and_whose_it_is(plugged_in, tmp_path, monkeypatch):
    plugged_in("/dev/ttyACM7", vid=0x2341, pid=0x42, serial_number="7573530303135110F0A1", location="1-1.2:1.0")
    assert boards.known_by("/dev/ttyACM7") == "known by its USB serial number"
    plugged_in("/dev/ttyUSB0", vid=0x1A86, pid=0x7523, serial_number=None, location="1-1.2:1.0")
    assert boards.known_by("/dev/ttyUSB0") == "known by its USB socket 1-1.2, so always use that socket"
    plugged_in("/dev/ttyAMA0")
    assert boards.known_by("/dev/ttyAMA0") == "known by the name of its port"
    assert boards.known_by("/dev/pts/7") == ""
    port = tmp_path / "ttyACM0"
    port.touch()
    monkeypatch.setattr(Hand, "link", property(lambda hand: str(tmp_path / "myobridge") + "-left" * bool(hand.name)))
    (tmp_path / "myobridge-left").symlink_to(port)
    assert hands.hand_on(str(port)) == f"the left hand, {tmp_path / 'myobridge-left'}"
    assert hands.hand_on(str(tmp_path / "other")) == ""


def test_a_hand_is_removed_without_touching_the_other(capsys, system):
    shown = call(capsys, "--uninstall", "--name", "left", "--dry-run")
    assert f"remove {LEFT.unit_path}" in shown
    assert str(UNIT_PATH) not in shown


def test_a_hand_may_be_installed_again(capsys, system):
    hand_installed(LEFT, board_with("L0000001"))
    assert "restart myobridge@left.service" in call(capsys, *NEW)


def test_a_named_hand_needs_its_port(capsys, system):
    with pytest.raises(UserError, match="port of the left hand is missing; give it with --port"):
        call(capsys, "--model", "synth", "--name", "left", "--dry-run")


def test_a_board_belongs_to_one_hand_only(capsys, system):
    hand_installed(RIGHT, board_with("L0000001"))
    with pytest.raises(UserError, match="gives this board to another hand"):
        call(capsys, *NEW)


def test_a_rule_of_an_older_version_that_matches_any_board_is_an_error(capsys, system):
    hand_installed(ONLY, any_arduino(), rule=rule_text(any_arduino()).replace(TAKEN, "X"))
    with pytest.raises(UserError, match="older version"):
        call(capsys, *NEW)


def test_both_hands_belong_to_one_user(capsys, system):
    hand_installed(RIGHT, board_with("R0000002"), user="bin")
    with pytest.raises(UserError, match="belongs to bin"):
        call(capsys, *NEW)


def test_the_user_is_told_if_a_board_is_identified_by_its_socket(capsys, system, plugged_in):
    plugged_in("/dev/ttyACM0", vid=0x2341, pid=0x42, serial_number=None, location="1-1:1.0")
    install_service.main(list(NEW), standalone_mode=False)
    assert "(1-1): always plug the board into" in capsys.readouterr().err


def test_the_memory_of_an_emergency_stop_outlives_the_service():
    found = settings(unit())
    assert (found["StateDirectory"], found["StateDirectoryMode"]) == (SERVICE_STATE.name, "0700")
    assert SERVICE_STATE.parent == Path("/var/lib"), "the folder that systemd makes"
