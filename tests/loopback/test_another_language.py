"""A host in another language, written from PROTOCOL.md alone (`tests/vectors/client.pl`), in real time."""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from myobridge.simulator.real_firmware import LOADERS, RealFirmwareHand
from processes import simulated_hand
from virtual_hand import ConstantSource

VECTORS = Path(__file__).parents[1] / "vectors"
BOARD_OF = {loader: board for board, loaders in LOADERS.items() for loader in loaders}
pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="perl is not installed")


def client(*arguments):
    command = ["perl", str(VECTORS / "client.pl"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def port_of(board, folder):
    if board == "simulated":
        with simulated_hand(folder) as hand:
            yield hand.port
    else:
        with RealFirmwareHand(BOARD_OF[board], ConstantSource(), folder / "hand", board).running(None) as port:
            yield port


@pytest.mark.parametrize("board", ["simulated", *BOARD_OF])
def test_a_host_written_from_the_protocol_page_streams_moves_and_stops_the_hand(board, tmp_path):
    with port_of(board, tmp_path) as port:
        result = client(port, 3)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "stopped until the next reset"


def test_the_golden_frames_are_read_by_another_language():
    result = client("--frames", VECTORS / "frames.json")
    assert (result.returncode, result.stdout) == (0, "all frames agree\n"), result.stderr
