"""The programs on a board as it is sold, with boot loader, firmware and DTR, in real time.

`tests/firmware/test_boot_loaders.py` has the times, in simulated time.
"""

import json

import numpy as np
import pytest

from myobridge.feed import ports
from myobridge.simulator.real_firmware import LOADERS, RealFirmwareHand
from myobridge.wire import messages as m
from myobridge.wire.link import SerialLink
from processes import myobridge
from virtual_hand import ConstantSource

POSES = """
[[pose]]
label = 0
name = "Rest"
angles_deg = [40, 40, 40, 40, 40]
[[pose]]
label = 1
name = "Fist"
angles_deg = [180, 180, 180, 180, 180]
"""
BOARD_OF = {loader: board for board, loaders in LOADERS.items() for loader in loaders}


class Silence(ConstantSource):
    """Electrodes on nothing; the simulator's pipe needs endless rows."""

    def read(self, samples):
        return np.zeros((samples, self.channels), np.int16), None


def board_with(loader, tmp_path):
    return RealFirmwareHand(BOARD_OF[loader], Silence(), tmp_path / "hand", loader).running(None)


def model_runs(port):
    result = myobridge("run", "--port", port, "--model", "synth", "--seconds", 1, "--json", "-", timeout_s=100)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["reconnects"] == 0


def doctor_finds(port):
    result = myobridge("doctor", "--port", port, "--no-clench", "--seconds", 1, "--json", "-", timeout_s=100)
    report = json.loads(result.stdout)
    assert report["facts"]["device"]["board"] in ("mega2560", "uno"), result.stdout
    return {finding["id"] for finding in report["findings"]}


def recorder_records(port, tmp_path):
    out = tmp_path / "recording.myo"
    poses = tmp_path / "poses.toml"
    poses.write_text(POSES)
    short = ("--poses", poses, "--repetitions", 1, "--seconds-per-pose", 1, "--seconds-of-rest", 1)
    result = myobridge("record", "--port", port, "--out", out, *short, timeout_s=100)
    assert result.returncode == 0, result.stderr
    out.unlink()


def board_is_named(port):
    assert ports.probe(port)["board"] in ("mega2560", "uno")


@pytest.mark.parametrize("loader", ["mega2560", "uno"])
def test_each_program_reaches_the_hand_on_the_first_opening_and_on_the_next(loader, tmp_path):
    with board_with(loader, tmp_path) as port:
        for reset in (True, False):
            for reaches in (board_is_named, model_runs, doctor_finds, lambda port: recorder_records(port, tmp_path)):
                if reset:
                    SerialLink(port).hang_up()
                reaches(port)


def test_the_doctor_names_the_harmful_boot_loader(tmp_path):
    with board_with("nano", tmp_path) as port:
        assert "old_boot_loader" in doctor_finds(port)
        assert ports.probe(port)["reset_cause"] == m.ResetCause.EXTERNAL.name.lower(), "the board runs again"
