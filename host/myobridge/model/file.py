"""The model file: one .onnx file whose metadata says everything that a decoder needs to run the model.

`models/` writes the file and the daemon reads it; they share nothing else. The inputs of the graph are
`emg` float32 (batch, channels, window), filtered and scaled as described below, and, if `history_hops` > 0,
`history` float32 (batch, 2 * servos): the network's own outputs one and two history steps ago,
A(n) then A(n-1), in degrees. The output is `angles` float32 (batch, servos), in degrees 0..180.

A file may hold the same network a second time, as a streaming graph for a decoder that keeps its state and computes
only the part of the new hop. The entry STREAMING_KEY is an ONNX GraphProto in base64, without the weights that the
file's own graph holds under the same names (streaming.py). The streaming graph takes `emg` float32 (samples, channels),
the newest samples with this hop at the end, and `history` as above. For each output `X` except `angles` it takes an
input `past_X`: the newest values of X in the previous hops, the last hop at the end, zeros before the first hop. Both
graphs agree once a whole window has gone through the streaming graph.

A file may also hold class statistics of earlier days in the entry STATISTICS_KEY, from which `myobridge calibrate`
makes the model of another day in seconds (statistics.py). Such a graph has a head of three dense layers (head.py).
"""

from __future__ import annotations

from math import acos, cos, inf, pi, prod, sin, sqrt
from pathlib import Path
from typing import Annotated, Final

import msgspec

from myobridge.errors import UserError

METADATA_KEY: Final = "myobridge"
STREAMING_KEY: Final = "myobridge.streaming"
STATISTICS_KEY: Final = "myobridge.statistics"
PAST: Final = "past_"
"""Prefix of the inputs of a streaming graph that hold its own earlier outputs."""

HOP_S: Final = 0.005
"""Time from one decision to the next in every model that `models/` makes."""

PRINTED: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
MAX_NOTE: Final = 20_000
"""Characters of one training note; enough for the names of a thousand recordings."""
MAX_METADATA_BYTES: Final = 128 << 10
"""Limit of the entry METADATA_KEY; our models have 2 kB, and 64 channels, 256 poses and 200 recordings take 40 kB."""
MAX_FS_HZ: Final = 20_000
MAX_SECONDS: Final = 20
"""Longest window, and longest distance to the newer value of the history."""
MAX_WINDOW_VALUES: Final = 1 << 20
"""Samples times channels: 20 MB in all buffers of the daemon, or 8 s of 64 channels at 2 kHz."""
MAX_HOP_SAMPLES: Final = 400
"""The matrix of the pre-filter grows with the square of the hop."""
MAX_PEAK_GAIN: Final = 1000
"""Limit of the whole pre-filter; the pre-filters of our models do not amplify."""
MAX_SECTION_GAIN: Final = 1e9
"""Limit of one section, which other sections may compensate."""
MARGIN: Final = 1e-12

Degrees = Annotated[float, msgspec.Meta(ge=0, le=180)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=1000 * MAX_SECONDS)]
Coefficient = Annotated[float, msgspec.Meta(gt=-1e6, lt=1e6)]
Scale = Annotated[float, msgspec.Meta(ge=1e-9, le=1e6)]
"""A step of a 16-bit ADC is 3e-5 of its half range."""
Line = Annotated[str, msgspec.Meta(max_length=200, pattern=PRINTED)]
"""Text that is printed: no control characters, so that a file cannot control a terminal."""
Name = Annotated[str, msgspec.Meta(max_length=80, pattern=PRINTED)]
"""Name of an electrode, which each snapshot of the daemon repeats, or of a training note."""
Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE)]
Whole = Annotated[int, msgspec.Meta(ge=-(1 << 53), le=1 << 53)]
"""An integer that a browser can represent exactly."""
Section = tuple[Coefficient, Coefficient, Coefficient, Coefficient, Coefficient, Coefficient]
Pose = tuple[Degrees, Degrees, Degrees, Degrees, Degrees]

REST: Final = 0
"""Label of rest."""
REST_DEG: Final[Pose] = (40, 40, 40, 40, 40)
"""Rest pose of the simulated wearer, and of a model whose data do not name a rest pose."""


def usual_hop_samples(fs_hz: float) -> int:
    """Samples from one decision to the next at a sampling rate."""
    return max(1, round(HOP_S * fs_hz))


class LabelledPose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The meaning of a label number of the training data: a name and five servo angles in degrees."""

    label: Annotated[int, msgspec.Meta(ge=0, le=255)]
    name: Line
    angles_deg: Pose


class Smoothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One-Euro filter of the angles (Casiez, Roussel, Vogel, CHI 2012).

    The cut-off is min_cutoff_hz + beta_hz_per_deg_s * (|angular speed in deg/s| - calm_deg_per_s), and at least
    min_cutoff_hz.
    """

    min_cutoff_hz: Annotated[float, msgspec.Meta(ge=1e-3, le=1e4)]
    beta_hz_per_deg_s: Annotated[float, msgspec.Meta(ge=0, le=1e3)]
    calm_deg_per_s: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0
    """A speed up to this is taken for tremor of a held depth, and does not raise the cut-off."""


class RestGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hand stays at rest until the network has left the rest pose for some time without a break.

    The network has left the rest pose while any angle differs from it by more than leave_deg. The required time is
    after_ms. During settling_ms after a movement, while the muscle relaxes in steps, the required time is
    again_after_ms if that is longer. A pause of less than after_ms does not end a movement; the movement goes on
    after after_ms.
    """

    leave_deg: Annotated[float, msgspec.Meta(gt=0, le=180)]
    after_ms: Milliseconds
    settling_ms: Milliseconds = 0
    again_after_ms: Milliseconds = 0


class ModelSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Metadata of a model file; the module docstring describes the graph."""

    format: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    name: Line
    family: Line
    fs_hz: Annotated[float, msgspec.Meta(ge=1, le=MAX_FS_HZ)]
    channels: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Electrode names, in the order in which the board samples them."""
    window_samples: Annotated[int, msgspec.Meta(ge=1, le=MAX_SECONDS * MAX_FS_HZ)]
    hop_samples: Annotated[int, msgspec.Meta(ge=1, le=MAX_HOP_SAMPLES)]
    history_hops: Annotated[int, msgspec.Meta(ge=0, le=20_000)]
    """Spacing of the history values in hops; 0 if the network has no history input."""
    prefilter_sos: Annotated[tuple[Section, ...], msgspec.Meta(max_length=16)]
    """Causal second-order sections b0 b1 b2 a0 a1 a2, applied in order to each channel."""
    oversampling: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """Conversions that a sample of each channel shall have, at least; the board has to have the time."""
    scale_fs: Annotated[tuple[Scale, ...], msgspec.Meta(min_length=1)]
    """Divisors of the filtered channels, as fractions of the ADC's half range."""
    skin_range_uv: Annotated[float, msgspec.Meta(gt=0, le=1e12)] | None = None
    """Voltage at the skin between the ends of the ADC, for views alone; None: the amplifiers' gain is not known."""
    rest_pose_deg: Pose
    rest_gate: RestGate | None = None
    """The gate runs before the smoothing; neither affects the history of the network."""
    smoothing: Smoothing | None = None
    poses: Annotated[tuple[LabelledPose, ...], msgspec.Meta(max_length=256)] = ()
    training: Annotated[dict[Name, Note | Whole | float], msgspec.Meta(max_length=64)] = {}
    """Notes for readers of the model card; the runtime reads `proportional` alone."""

    def __post_init__(self) -> None:
        if len(self.scale_fs) != len(self.channels):
            raise ValueError(f"scale_fs has {len(self.scale_fs)} values for {len(self.channels)} channels")
        if self.window_samples < self.hop_samples:
            raise ValueError("window_samples is less than hop_samples")
        if max(self.window_samples, self.history_hops * self.hop_samples) > MAX_SECONDS * self.fs_hz:
            raise ValueError(f"window_samples or history_hops go back further than {MAX_SECONDS} s")
        if len(self.channels) * self.window_samples > MAX_WINDOW_VALUES:
            raise ValueError(f"window_samples times channels are more than {MAX_WINDOW_VALUES}")
        _check_prefilter(self.prefilter_sos)

    @property
    def proportional(self) -> bool:
        """Whether the network learned angles, partial closings among them; otherwise it learned poses alone."""
        return bool(self.training.get("proportional"))

    @property
    def window_ms(self) -> float:
        """Length of the window in milliseconds."""
        return 1000 * self.window_samples / self.fs_hz

    @property
    def hop_ms(self) -> float:
        """Time from one decision to the next in milliseconds."""
        return 1000 * self.hop_samples / self.fs_hz


def _check_prefilter(sections: tuple[Section, ...]) -> None:
    """Raises ValueError unless each section is stable and the cascade amplifies at most MAX_PEAK_GAIN times.

    The gain of a section peaks at 0, at half the sampling rate, or close to the angle of its poles.
    """
    if not all(_stable(section) for section in sections):
        raise ValueError("prefilter_sos is not stable")
    for angle in (0.0, pi, *map(_pole_angle, sections)):
        gains = [_gain(section, angle) for section in sections]
        if max(gains, default=0) > MAX_SECTION_GAIN or prod(gains) > MAX_PEAK_GAIN:
            raise ValueError(f"prefilter_sos amplifies more than {MAX_PEAK_GAIN} times")


def _stable(section: Section) -> bool:
    """Both poles lie inside the unit circle by more than rounding errors (the stability triangle)."""
    *_, a0, a1, a2 = section
    return abs(a2) < (1 - MARGIN) * abs(a0) and abs(a1) < (1 - MARGIN) * abs(a0 + a2)


def _pole_angle(section: Section) -> float:
    """Radians per sample; real poles peak at 0 or pi."""
    *_, a0, a1, a2 = section
    radius = sqrt(max(0.0, a2 / a0))
    return acos(max(-1.0, min(1.0, -a1 / a0 / (2 * radius)))) if radius else 0.0


def _gain(section: Section, angle: float) -> float:
    """Gain of a section at this frequency."""
    b0, b1, b2, a0, a1, a2 = section
    delay = complex(cos(angle), -sin(angle))
    below = abs(a0 + (a1 + a2 * delay) * delay)
    return abs(b0 + (b1 + b2 * delay) * delay) / below if below else inf


def encode_spec(spec: ModelSpec) -> str:
    """The metadata as text, for the entry METADATA_KEY."""
    return msgspec.json.encode(spec).decode()


def decode_spec(text: str, path: Path) -> ModelSpec:
    """Reads and validates metadata.

    Raises:
        UserError: the metadata is not valid or not consistent.
    """
    try:
        return msgspec.json.decode(text, type=ModelSpec)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: the model's metadata is not valid ({error}); export the model again.") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: the model's metadata is damaged ({error}); export the model again.") from error
