"""`myobridge flash` on boards with their own boot loaders, in real time: avrdude writes into the simulated flash."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from myobridge.feed.flashing.images import image_of
from myobridge.feed.ports import ask
from myobridge.simulator.board_folder import FIRMWARE, board_folder
from myobridge.simulator.real_firmware import build_loader, simulator
from processes import myobridge

OLD_BUILD = 7


def old_firmware(board: str, folder: Path) -> Path:
    """The same sources under another build id."""
    elf = folder / board / "firmware.elf"
    command = ["make", "-C", FIRMWARE, f"BUILD={folder}", f"build_id={OLD_BUILD}", elf]
    subprocess.run(command, check=True, capture_output=True)
    return elf


@contextmanager
def board_with_old_firmware(board: str, folder: Path, loader: str) -> Iterator[tuple[str, Path]]:
    """Its port, and the pipe that takes the simulator's commands."""
    commands = folder / "commands"
    os.mkfifo(commands)
    kept = os.open(commands, os.O_RDWR)
    command = [*simulator(board_folder(board), realtime=True), old_firmware(board, folder / "build"), "--realtime"]
    command += ["--loader", build_loader(loader)]
    with subprocess.Popen(command, stdin=kept, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1], commands
        finally:
            process.terminate()
            os.close(kept)


def avrdude_with_dtr(folder: Path, commands: Path) -> Path:
    """A folder whose avrdude resets the board as DTR does, which a pseudo-terminal does not have."""
    real = shutil.which("avrdude")
    assert real is not None
    script = folder / "bin" / "avrdude"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\n(sleep 0.3; echo reset >{commands}) &\nexec {real} "$@"\n')
    script.chmod(0o755)
    return script.parent


@pytest.mark.real_time
@pytest.mark.parametrize(("board", "loader"), [("uno", "uno"), ("uno", "nano"), ("mega2560", "mega2560")])
def test_a_board_with_old_firmware_gets_this_versions_and_answers(board, loader, tmp_path, monkeypatch) -> None:
    with board_with_old_firmware(board, tmp_path, loader) as (port, commands):
        monkeypatch.setenv("PATH", f"{avrdude_with_dtr(tmp_path, commands)}:{os.environ['PATH']}")
        before = ask(port)
        assert before is not None and before.build == OLD_BUILD
        result = myobridge("flash", "--port", port, timeout_s=200)
        assert result.returncode == 0, result.stderr
        assert f"On the board at {port}: {board}, firmware" in result.stderr
        after = ask(port)
        assert after is not None and after.build == image_of(board).build
        again = myobridge("flash", "--port", port, timeout_s=100)
        assert "nothing is written" in again.stderr
