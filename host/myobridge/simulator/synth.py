"""Synthetic surface EMG of fingers that follow a script, with the true angles.

Finger angles drive ten muscles (forearm.py), each a pool of motor units (motor_units.py) whose firings are convolved
with their action potentials and mixed into a ring of electrodes; white noise, mains hum and slow drift are added, and
an ADC quantises the sum. EMG precedes movement: it comes ELECTROMECHANICAL_DELAY_S before the finger moves. To get
training data:

    counts, truth_deg = SynthSource(SynthOptions(fs_hz=2000, channels=4, seed=1)).read(120_000)

`wearer` determines the anatomy and the electrodes' places. `seed` determines everything that differs from session to
session: the default script, the drive's fluctuations, firings, noise. `seat` turns the ring of electrodes, as another
morning does, and `shift_deg` turns it by a known angle. `fatigue` is that of a session.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.simulator.forearm import MUSCLES, excitation, forearm
from myobridge.simulator.motor_units import FloatArray, SpikeTrains, action_potential_spectrum
from myobridge.simulator.script import FingerScript, RandomScript

ELECTROMECHANICAL_DELAY_S: Final = 0.08
"""From EMG to movement: some 50 ms in Cavanagh and Komi (Eur. J. Appl. Physiol. 42, 1979), up to 100 ms elsewhere."""
_BLOCK_S: Final = 0.1
_DRIVE_STEPS: Final = 10
_POTENTIAL_S: Final = 0.06
"""Length of an action potential; its middle comes half of this after the firing."""
_DRIVE_VARIATION: Final = 0.15
_DRIVE_MEMORY_S: Final = 0.3
"""The drive to a muscle fluctuates slowly (common drive: De Luca et al., J. Physiol. 329, 1982)."""
_DRIFT_MEMORY_S: Final = 2.0
FATIGUE_SLOWS: Final = 0.3
"""Share by which the frequencies of a motor unit fall in a fully tired muscle, whose fibres conduct slower (Merletti,
Knaflitz and De Luca, J. Appl. Physiol. 69, 1990)."""
FATIGUE_COSTS: Final = 0.3
"""Share by which the excitation for the same movement rises in a fully tired muscle."""
LIFTED: Final = 1
"""The electrode that is off the skin while the fault `electrode` is on: the second, or the only one."""
FAULT_HUM_UV: Final = 400.0
"""RMS of the mains hum that an electrode off the skin picks up, and all electrodes during the fault `hum`."""
CUFF_SHIFT_DEG: Final = 25.0
"""Turn of the ring of electrodes around the forearm during the fault `cuff`: 17 mm."""
SEAT_DEG: Final = (50.0, 70.0)
"""Turn of the ring by a `seat`, to either side: 35 to 49 mm, more than one electrode of a ring of eight."""
_HARMONIC: Final = 3
_HARMONIC_SHARE: Final = 0.3


@dataclass(frozen=True)
class SynthOptions:
    """What to synthesise. Amplitudes are RMS values at the skin in microvolts."""

    fs_hz: float = 2000.0
    channels: int = 4
    adc_bits: int = 10
    seed: int = 0
    wearer: int = 0
    seat: int = 0
    """0: the usual place. Every other number is a seed that turns the ring somewhere else."""
    script: FingerScript | None = None
    """None: a RandomScript of the seed."""
    noise_uv: float = 10.0
    hum_uv: float = 8.0
    hum_hz: float = 50.0
    drift_uv: float = 25.0
    full_scale_uv: float = 2500.0
    """Amplitude that reaches the ADC's limits; more saturates."""
    fatigue: float = 0.0
    """How tired the muscles are, from 0 to 1."""
    shift_deg: float = 0.0
    """Turn of the ring of electrodes around the forearm beside that of the seat, towards the thumb."""

    def __post_init__(self) -> None:
        if not 100 <= self.fs_hz <= 20_000:
            raise UserError(f"EMG cannot be synthesised at {self.fs_hz} Hz; choose a rate from 100 to 20000 Hz.")
        if not 1 <= self.channels <= 64:
            raise UserError(f"EMG cannot be synthesised for {self.channels} channels; choose from 1 to 64.")
        if not 8 <= self.adc_bits <= 16:
            raise UserError(f"An ADC of {self.adc_bits} bits cannot be simulated; choose from 8 to 16.")
        if min(self.seed, self.wearer, self.seat) < 0:
            raise UserError("The synthetic EMG takes no negative seed, wearer or seat; give numbers from 0 on.")
        if not (0 <= self.fatigue <= 1 and -180 <= self.shift_deg <= 180):
            raise UserError(
                f"A fatigue of {self.fatigue:g} or a turn of {self.shift_deg:g}° cannot be simulated; choose a fatigue "
                "from 0 to 1 and a turn from -180 to 180."
            )

    @property
    def turn_deg(self) -> float:
        """Turn of the ring from its usual place, towards the thumb."""
        if self.seat == 0:
            return self.shift_deg
        rng = np.random.default_rng([self.seat, 5])
        return self.shift_deg + float(rng.choice((-1.0, 1.0)) * rng.uniform(*SEAT_DEG))


class SynthSource:
    """An EmgSource that makes EMG in blocks of 0.1 s, ahead of the reads."""

    def __init__(self, options: SynthOptions) -> None:
        self.fs_hz, self.channels, self.adc_bits = options.fs_hz, options.channels, options.adc_bits
        self._script = options.script or RandomScript(options.seed)
        self._muscles = _MuscleSignals(options)
        self._contact = _SkinContact(options)
        self._counts_per_uv = 2 ** (options.adc_bits - 1) / options.full_scale_uv
        self._block = _block_samples(options.fs_hz)
        self._next_sample = 0
        self._counts = np.empty((0, options.channels), dtype=np.int16)
        self._truth_deg = np.empty((0, 5), dtype=np.float32)

    def read(self, samples: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Next samples: counts (samples, channels) and the fingers' true angles in degrees (samples, 5)."""
        if samples > len(self._counts):
            blocks = [(self._counts, self._truth_deg)]
            short = samples - len(self._counts)
            blocks += [self._next_block() for _ in range(-(-short // self._block))]
            self._counts = np.concatenate([counts for counts, _ in blocks])
            self._truth_deg = np.concatenate([truth for _, truth in blocks])
        counts, self._counts = self._counts[:samples], self._counts[samples:]
        truth, self._truth_deg = self._truth_deg[:samples], self._truth_deg[samples:]
        return counts, truth

    def suffer(self, faults: Collection[str]) -> None:
        """Lets `electrode`, `hum` and `cuff` begin or end with the next block."""
        lifted = min(LIFTED, self.channels - 1) if "electrode" in faults else None
        self._muscles.place(CUFF_SHIFT_DEG if "cuff" in faults else 0.0, lifted)
        self._contact.hum_in(range(self.channels) if "hum" in faults else [] if lifted is None else [lifted])

    def _next_block(self) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        t_s = (self._next_sample + np.arange(self._block)) / self.fs_hz
        self._next_sample += self._block
        skin_uv = self._muscles.block_uv(float(t_s[0]), self._script) + self._contact.block_uv(t_s)
        half = 2 ** (self.adc_bits - 1)
        counts = np.clip(np.rint(skin_uv * self._counts_per_uv), -half, half - 1).astype(np.int16)
        return counts, self._script.angles_deg(t_s).astype(np.float32)


def _block_samples(fs_hz: float) -> int:
    return round(_BLOCK_S * fs_hz)


class _MuscleSignals:
    """The muscles' share of the electrodes' signals."""

    def __init__(self, options: SynthOptions) -> None:
        self._forearm = forearm(options.wearer)
        self._block = _block_samples(options.fs_hz)
        self._tail = round(_POTENTIAL_S * options.fs_hz)
        self._step_s = self._block / options.fs_hz / _DRIVE_STEPS
        self._fs_hz = options.fs_hz
        self._channels = options.channels
        self._turn_deg, self._fatigue = options.turn_deg, options.fatigue
        self.place(0.0, None)
        freq_hz = np.arange((self._block + self._tail) // 2 + 1) * options.fs_hz / (self._block + self._tail)
        # A front end filters before it samples: 8th order at 0.4 fs. Without it, 225 Hz would alias at low rates.
        front_end = np.exp(-1j * np.pi * freq_hz * _POTENTIAL_S) / np.sqrt(1 + (freq_hz / (0.4 * options.fs_hz)) ** 16)
        slower = 1 - FATIGUE_SLOWS * options.fatigue
        shapes = [action_potential_spectrum(slower * f.peak_hz, f.phases, freq_hz) for f in self._forearm.fascicles]
        self._shapes = np.array(shapes) * front_end * options.fs_hz
        drive_rng, spike_rng = (np.random.default_rng([options.seed, i]) for i in (1, 2))
        self._spikes = SpikeTrains(len(self._forearm.size_uv), spike_rng)
        self._drive_rng = drive_rng
        self._fluctuation = drive_rng.standard_normal(len(MUSCLES))
        self._overlap_uv = np.zeros((options.channels, self._tail))

    def place(self, turn_deg: float, lifted: int | None) -> None:
        """Turns the ring of electrodes from its seat; the electrode `lifted` is off the skin."""
        self._gains = self._forearm.gains(self._channels, self._turn_deg + turn_deg)
        if lifted is not None:
            self._gains[lifted] = 0.0

    def block_uv(self, start_s: float, script: FingerScript) -> FloatArray:
        """Next block (samples, channels) in microvolts."""
        unit, fired_s = self._spikes.advance(self._forearm.rate_hz(self._drive(start_s, script)), self._step_s)
        trains = np.zeros((len(self._shapes), self._block + self._tail))
        sample = np.minimum((fired_s * self._fs_hz).astype(np.intp), self._block - 1)
        np.add.at(trains, (self._forearm.fascicle_of_unit[unit], sample), self._forearm.size_uv[unit])
        spectra = self._gains @ (np.fft.rfft(trains) * self._shapes)
        electrode_uv = np.fft.irfft(spectra, self._block + self._tail)
        electrode_uv[:, : self._tail] += self._overlap_uv
        self._overlap_uv = electrode_uv[:, self._block :]
        return electrode_uv[:, : self._block].T

    def _drive(self, start_s: float, script: FingerScript) -> FloatArray:
        """Excitation (steps, muscles), ahead of the movement by the delays between excitation and movement."""
        ahead_s = start_s + ELECTROMECHANICAL_DELAY_S + _POTENTIAL_S / 2
        edges_deg = script.angles_deg(ahead_s + self._step_s * np.arange(_DRIVE_STEPS + 1))
        steps = excitation((edges_deg[:-1] + edges_deg[1:]) / 2, np.diff(edges_deg, axis=0) / self._step_s)
        steps *= 1 + FATIGUE_COSTS * self._fatigue
        return np.clip(steps * (1 + _DRIVE_VARIATION * self._fluctuations()), 0, 1)

    def _fluctuations(self) -> FloatArray:
        """A slow random process around 0 with standard deviation 1 (steps, muscles)."""
        keep = math.exp(-self._step_s / _DRIVE_MEMORY_S)
        steps = math.sqrt(1 - keep**2) * self._drive_rng.standard_normal((_DRIVE_STEPS, len(MUSCLES)))
        for step in steps:
            self._fluctuation = keep * self._fluctuation + step
            step[:] = self._fluctuation
        return steps


class _SkinContact:
    """The share that does not come from muscles: white noise, mains hum with a harmonic, and electrode drift."""

    def __init__(self, options: SynthOptions) -> None:
        self._options = options
        self._rng = np.random.default_rng([options.seed, 3])
        self._pickup = np.random.default_rng([options.wearer, 4]).uniform(0.5, 1.5, options.channels)
        self._phase = self._rng.uniform(0, 2 * np.pi, options.channels)
        self._drift_uv = options.drift_uv * self._rng.standard_normal(options.channels)
        self.hum_in([])

    def hum_in(self, loud: Collection[int]) -> None:
        """Lets the electrodes `loud` pick up strong mains hum."""
        self._hum_rms_uv = np.full(self._options.channels, self._options.hum_uv)
        self._hum_rms_uv[list(loud)] = FAULT_HUM_UV

    def block_uv(self, t_s: FloatArray) -> FloatArray:
        """Next block (len(t_s), channels) in microvolts."""
        return self._noise_uv(len(t_s)) + self._hum_uv(t_s) + self._next_drift_uv(len(t_s))

    def _noise_uv(self, samples: int) -> FloatArray:
        return self._options.noise_uv * self._rng.standard_normal((samples, self._options.channels))

    def _hum_uv(self, t_s: FloatArray) -> FloatArray:
        turn = 2 * np.pi * self._options.hum_hz * t_s[:, None] + self._phase
        wave = np.sin(turn) + _HARMONIC_SHARE * np.sin(_HARMONIC * turn)
        return np.asarray(self._hum_rms_uv * math.sqrt(2) * self._pickup * wave)

    def _next_drift_uv(self, samples: int) -> FloatArray:
        keep = math.exp(-_BLOCK_S / _DRIFT_MEMORY_S)
        step_uv = self._options.drift_uv * math.sqrt(1 - keep**2) * self._rng.standard_normal(self._options.channels)
        start_uv, self._drift_uv = self._drift_uv, keep * self._drift_uv + step_uv
        return np.linspace(start_uv, self._drift_uv, samples, endpoint=False, dtype=np.float64)
