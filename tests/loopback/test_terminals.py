"""The output of commands in all kinds of terminals, and their behaviour under Ctrl-Z, `fg` and new window sizes."""

import os
import signal
import termios
import time
from pathlib import Path
from shlex import join

import pytest

from processes import command, simulated_hand
from terminals import in_terminal

POSES = """
[[pose]]
label = 0
name = "Rest"
angles_deg = [40, 40, 40, 40, 40]

[[pose]]
label = 7
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
how = "Close it."
"""
PROMPT = "shell> "
MOVES = "\x1b["
"""Beginning of an escape sequence that moves the cursor or sets a colour."""


@pytest.fixture
def recording(tmp_path):
    """Arguments of a recording of one pose with a long hold."""
    (tmp_path / "poses.toml").write_text(POSES)
    with simulated_hand(tmp_path, "--follow-cues") as hand:
        yield [
            "record",
            *("--port", hand.port, "--poses", tmp_path / "poses.toml", "--out", tmp_path / "r.myo"),
            *("--repetitions", 1, "--seconds-per-pose", 40, "--seconds-of-rest", 1),
        ]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], {"TERM": "dumb"}),
        pytest.param([], {"TERM": None}, marks=pytest.mark.slow),
        pytest.param([], {"columns": 60, "rows": 20}, marks=pytest.mark.slow),
        pytest.param([], {"PYTHONIOENCODING": "latin-1"}, marks=pytest.mark.slow),
        (["--plain"], {}),
    ],
    ids=str,
)
def test_in_a_terminal_that_cannot_draw_every_prompt_is_a_line_and_keys_work(recording, options, settings):
    with in_terminal(*recording, *options, **settings) as terminal:
        said = terminal.read_until("Rest. Next: Fist. Close it.")
        assert "Keys: r  repeat" in said
        terminal.read_until("\nmyobridge: Fist. Close it.")
        terminal.press(b"r")
        terminal.read_until("\nmyobridge: Rest. Next: Fist.")
        terminal.read_until("\nmyobridge: Fist. Close it.")
        terminal.press(b"q")
        assert "The recording was stopped." in terminal.read_to_the_end()
        assert MOVES not in terminal.raw
        assert terminal.process.wait(60) == 0


@pytest.mark.slow
def test_after_ctrl_z_and_fg_the_keys_work_and_the_pose_is_repeated(recording):
    with in_terminal(shell=True, PS1=PROMPT) as terminal:
        terminal.read_until(PROMPT)
        shells = terminal.modes
        terminal.press(join(command(*recording)).encode() + b"\n")
        terminal.read_until(" Fist ")
        terminal.press(b"\x1a")
        assert "Stopped" in terminal.read_until(PROMPT)
        assert terminal.modes == shells
        terminal.press(b"fg\n")
        terminal.read_until(" Get ready ")
        terminal.read_until(" Fist ")
        terminal.press(b"p")
        terminal.read_until(" Paused ")
        terminal.press(b"q")
        assert "repeated" in terminal.read_until(PROMPT)
        assert terminal.modes == shells


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--plain"]], ids=str)
def test_after_a_sigstop_the_keys_work(recording, options):
    with in_terminal(*recording, *options) as terminal:
        terminal.read_until("Fist" if options else " Fist ")
        own = terminal.modes
        os.kill(terminal.process.pid, signal.SIGSTOP)
        os.waitpid(terminal.process.pid, os.WUNTRACED)
        shells = [*own[:3], own[3] | termios.ICANON | termios.ECHO, *own[4:]]
        termios.tcsetattr(terminal.fileno(), termios.TCSANOW, shells)
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.read_until("Get ready")
        terminal.press(b"q")
        assert "The recording was stopped" in terminal.read_to_the_end()


@pytest.mark.slow
def test_the_keys_work_in_a_window_that_shrinks_and_grows_again(recording):
    with in_terminal(*recording) as terminal:
        terminal.read_until(" Fist ")
        for rows, columns in ((10, 40), (40, 100)):
            termios.tcsetwinsize(terminal.fileno(), (rows, columns))
            time.sleep(0.3)
        terminal.read_until(" Fist ")
        terminal.press(b"q")
        assert "The recording was stopped." in terminal.read_to_the_end()


@pytest.mark.parametrize(("options", "settings"), [([], {"TERM": "dumb"}), (["--plain"], {"columns": 70})], ids=str)
def test_the_demo_prints_lines_if_it_cannot_draw(options, settings):
    with in_terminal("demo", "--seconds", 2, *options, **settings) as terminal:
        said = terminal.read_to_the_end(60)
        assert "The hand is armed and follows. Servos (0° is open, 180° is closed): thumb" in said
        assert "hand follows the wearer within: " in said
        assert MOVES not in terminal.raw
        assert terminal.process.wait(60) == 0


def test_the_demo_shows_itself_in_a_browser():
    with in_terminal("demo", "--seconds", 2, "--view", "--view-port", 0) as terminal:
        said = terminal.read_to_the_end(60)
        assert "http://127.0.0.1:" in said
        assert "The hand is armed and follows." in said
        assert terminal.process.wait(60) == 0


def test_a_demo_that_is_stopped_ends_its_processes_and_prints_its_summary():
    with in_terminal("demo", "--seconds", 60, "--plain") as terminal:
        terminal.read_until("armed and follows")
        children = [Path(f"/proc/{pid}") for pid in terminal.children]
        assert len(children) == 2
        terminal.process.send_signal(signal.SIGTERM)
        assert "state at the end: " in terminal.read_to_the_end(60)
        assert not any(child.exists() for child in children)
