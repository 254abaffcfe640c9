"""Both command lines on blocked terminals, pipes and disks, in encodings without the needed letters, and under signals.

Whatever happens to their streams, they end in an exit code, with a sentence where somebody can read it.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from processes import command, running

MODELS = [sys.executable, "-m", "myobridge_models"]
ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}
PORT = b"h\xff\xfe"
"""Not UTF-8."""


def shell(line, **environment):
    """Runs a shell's command line, with both command lines as $HOST and $MODELS; returns (exit code, output)."""
    words = {"HOST": " ".join(command()), "MODELS": " ".join(MODELS)}
    result = subprocess.run(
        ["bash", "-c", line], capture_output=True, timeout=60, check=False, env=os.environ | words | environment
    )
    said = result.stdout + result.stderr
    assert b"Traceback" not in said and b"Exception" not in said, said
    assert b"bug in" not in said, said
    return result.returncode, said


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("$HOST --help >/dev/full", 1, b"No space left on device"),
        ("$MODELS --help >/dev/full", 1, b"No space left on device"),
        ("$HOST run --help >/dev/full", 1, b"No space left on device"),
        ("$HOST devices /dev/none >/dev/full", 1, b"No space left on device"),
        ("$HOST --version >/dev/full 2>&1", 1, b""),
        ("$HOST --help >&-", 0, b""),
        ("$MODELS --help >&-", 0, b""),
        ("$HOST --help <&- >&- 2>&-", 0, b""),
        ("$HOST inspect none 2>&-", 1, b""),
        ("$HOST inspect none 2>/dev/full", 1, b""),
        ("$MODELS run 2>/dev/full", 2, b""),
        ("$HOST calibrate --model synth --recording none --out x.onnx <&-", 1, b"myobridge: "),
        ("$HOST --help | true; exit ${PIPESTATUS[0]}", 1, b""),
        ("$MODELS --help | true; exit ${PIPESTATUS[0]}", 1, b""),
        ("$HOST inspect none 2>&1 | true; exit ${PIPESTATUS[0]}", 1, b""),
    ],
)
def test_a_blocked_output_ends_in_an_exit_code(line, code, words):
    found, said = shell(line)
    assert found == code, said
    assert words in said


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}, ASCII])
@pytest.mark.parametrize("line", ["$HOST inspect 'none…→'", "$HOST bench --help", "$MODELS train --help"])
def test_an_encoding_without_the_needed_letters_is_not_an_error(line, environment):
    code, said = shell(line, **environment)
    assert code == ("none" in line)
    assert said.startswith((b"myobridge: The recording none", b"Usage: "))


@pytest.mark.parametrize(
    "arguments",
    [
        ["devices"],
        ["run", "--model", "synth", "--port"],
        ["record", "--port"],
        ["doctor", "--no-clench", "--port"],
        ["install-service", "--dry-run", "--model", "synth", "--port"],
        ["lsl", "--port"],
        ["inspect"],
        ["run", "--port", "/dev/none", "--model"],
        ["run", "--port", "/dev/none", "--model", "synth", "--config"],
        ["record", "--port", "/dev/none", "--poses"],
        ["fly"],
    ],
    ids=" ".join,
)
def test_a_name_that_is_not_utf_8_or_controls_terminals_is_printed_harmlessly(arguments, tmp_path):
    name = os.fsencode(tmp_path) + b"/" + PORT + b"\x1b[2J"
    result = subprocess.run([*command(*arguments), name], capture_output=True, timeout=60, check=False)
    said = result.stdout + result.stderr
    assert result.returncode == (0 if arguments == ["devices"] else 2 if arguments == ["fly"] else 1), said
    for evil in (b"Traceback", b"bug in", b"\x1b"):
        assert evil not in said


def test_a_port_whose_name_is_not_utf_8_works_under_its_own_name(tmp_path):
    port = os.fsencode(tmp_path) + b"/" + PORT
    hand = subprocess.Popen([*command("simulate", "--link"), port], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert hand.stdout.readline() == port + b"\n"
        run = [*command("run", "--model", "synth", "--seconds", 2, "--json", "-", "--port"), port]
        result = subprocess.run(run, capture_output=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["samples_received"] > 0
    finally:
        hand.send_signal(signal.SIGINT)
        hand.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
@pytest.mark.parametrize("wait_s", [0.05, 0.1, 0.2])
def test_a_signal_during_the_start_does_not_end_the_daemon(tmp_path, number, wait_s):
    """Python itself needs some 20 ms before the first line of myobridge runs; the test leaves that time out."""
    program = "import sys; sys.stdout.write('here'); sys.stdout.flush(); from myobridge.cli import main; main()"
    line = [sys.executable, "-c", f"from myobridge.cli import begin; begin(); {program}", "inspect", tmp_path / "none"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(4) == b"here"
    time.sleep(wait_s)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith(b"myobridge: The recording")


def test_importing_the_entry_module_does_not_change_signals():
    program = (
        "import signal; before = [signal.getsignal(n) for n in range(1, 32)]; import myobridge.cli, "
        "myobridge.commands.command_line, myobridge_models.cli, myobridge_models.commands.command_line; "
        "assert before == [signal.getsignal(n) for n in range(1, 32)]"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_ctrl_c_ends_a_command_like_any_other_program():
    """A shell's loop ends with it; the command prints nothing and reports no fault."""
    with running("bench", "--seconds", 30) as bench:
        time.sleep(2.0)
        bench.send_signal(signal.SIGINT)
        _, said = bench.communicate(timeout=60)
    assert bench.returncode == -signal.SIGINT
    assert "Aborted" not in said
    assert "Traceback" not in said
