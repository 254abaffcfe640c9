"""What more conversions in one sample are worth: noise and effective bits of the samples, and the CPU that they take.

python tests/firmware/sim_oversampling.py       measures in the simulator, and prints the table of firmware/README.md
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from sim_hand import BOARDS, SimHand, build_firmware
from sim_host import SimHost, config

from myobridge.wire.messages import Result

CHANNELS, FS_HZ, SECONDS = 4, 1000, 4
"""As fast as both boards make four conversions of each channel."""
EMG_BITS, CONVERTER_BITS = 16, 10
NOISE_STEPS = (0.0, 0.3, 0.5, 1.0, 2.0)
"""RMS of each conversion, in steps of the converter."""
CONVERSIONS = (1, 2, 4)


def slow_wave() -> NDArray[np.int16]:
    """Over half of the range, so slow that its steps are much finer than the converter's."""
    t_s = np.arange(FS_HZ * (SECONDS + 1))[:, None] / FS_HZ
    wave = 0.25 * (1 << EMG_BITS) * np.sin(2 * np.pi * 3.1 * t_s + np.arange(CHANNELS))
    return np.rint(wave).astype(np.int16)


def measured(board: str, conversions: int, noise_steps: float) -> tuple[float, float]:
    """RMS of the samples' noise in steps of the converter, and the share of the CPU in percent."""
    emg = slow_wave()
    with SimHand(build_firmware(board), board, emg, emg_bits=EMG_BITS) as hand:
        host = SimHost(hand)
        host.run_ms(50)
        hand.command(f"noise {round(1000 * noise_steps)}")
        asked = config(host.hello().tick_hz, fs_hz=FS_HZ, oversampling=conversions)
        assert host.configure(asked).result == Result.OK
        host.start()
        hand.command("clear-stats")
        host.run_ms(1000 * SECONDS)
        cpu = 100 * float(hand.stats()["cpu_share"])
    came = np.array([value for frame in host.emg for value in frame.samples]).reshape(-1, CHANNELS)
    true = emg[: len(came)] / (1 << (EMG_BITS - CONVERTER_BITS))
    return float(np.std(came / conversions - true)), cpu


def effective_bits(noise_steps: float) -> float:
    """Bits of an ideal converter over the same range with this noise."""
    return CONVERTER_BITS - math.log2(noise_steps * math.sqrt(12))


def table() -> list[str]:
    """The lines of the table."""
    lines = ["| | 1 conversion | 2 | 4 |", "|---|---|---|---|"]
    for noise in NOISE_STEPS:
        told = [measured(BOARDS[0], k, noise)[0] for k in CONVERSIONS]
        cells = [f"{rms:.2f} steps, {effective_bits(rms):.1f} bits" for rms in told]
        lines.append(f"| noise of a conversion {noise:g} steps: of a sample | {' | '.join(cells)} |")
    for board in BOARDS:
        shares = [f"{measured(board, k, 0)[1]:.1f} %" for k in CONVERSIONS]
        lines.append(f"| CPU of the {board} | {' | '.join(shares)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
