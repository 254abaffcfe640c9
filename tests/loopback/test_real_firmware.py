"""The demo on the real firmware: the ELF that is flashed, in its simulator, driven by the daemon over its UART."""

import json

import pytest

from processes import myobridge


@pytest.mark.parametrize("board", ["mega2560", "uno"])
def test_the_demo_runs_on_the_firmware_that_is_flashed(board):
    result = myobridge("demo", "--firmware", board, "--headless", "--seconds", 8, "--json", "-", timeout_s=110)
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["state"] == "ARMED"
    assert summary["samples_lost"] == summary["crc_errors"] == 0
    assert summary["commands_per_second"] > 150
    assert summary["mae_deg"] < 25  # measured at the servo pins, all delays included
