"""The model file: one .onnx whose metadata says everything needed to run it right.

`models/` writes it and the daemon reads it; they share nothing else. The graph has the inputs
`emg` float32 (batch, channels, window), filtered and scaled as below, and, if `history_hops` > 0,
`history` float32 (batch, 2 * servos): the network's own outputs one and two history steps ago,
A(n) then A(n-1), in degrees. Its output is `angles` float32 (batch, servos), in degrees 0..180.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec

from myobridge.errors import UserError

METADATA_KEY: Final = "myobridge"

Degrees = Annotated[float, msgspec.Meta(ge=0, le=180)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Pose = tuple[Degrees, Degrees, Degrees, Degrees, Degrees]

REST_DEG: Final[Pose] = (40, 40, 40, 40, 40)
"""Where a relaxed hand rests: of the simulated wearer, and of a model whose data name no rest pose."""


class LabelledPose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the training's label number means: a name and the five servo angles in degrees."""

    label: Annotated[int, msgspec.Meta(ge=0)]
    name: str
    angles_deg: Pose


class Smoothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One-Euro filter of the angles (Casiez, Roussel, Vogel, CHI 2012).

    The cut-off is min_cutoff_hz + beta_hz_per_deg_s * |angular speed in deg/s|.
    """

    min_cutoff_hz: Positive
    beta_hz_per_deg_s: Annotated[float, msgspec.Meta(ge=0)]


class RestGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hand stays at rest until the network has meant something else for a while without a break.

    It has meant something else while any angle was further than leave_deg from the rest pose.
    """

    leave_deg: Positive
    after_ms: Positive


class ModelSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Metadata of a model file; see the module's text for the graph it describes."""

    format: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    name: str
    family: str
    fs_hz: Positive
    channels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Electrode names, in the order in which the device samples them."""
    window_samples: Count
    hop_samples: Count
    history_hops: Annotated[int, msgspec.Meta(ge=0)]
    """Spacing of the history values in hops; 0: the network takes no history."""
    prefilter_sos: tuple[tuple[float, float, float, float, float, float], ...]
    """Causal second-order sections b0 b1 b2 a0 a1 a2, run in order on each channel by itself."""
    scale_fs: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1)]
    """Per channel: the filtered signal is divided by this, as a fraction of the ADC's half range."""
    rest_pose_deg: Pose
    rest_gate: RestGate | None = None
    """Runs before the smoothing; neither touches the network's history."""
    smoothing: Smoothing | None = None
    poses: tuple[LabelledPose, ...] = ()
    training: dict[str, str | int | float] = {}
    """What a reader of the card wants to know; the runtime does not look at it."""

    def __post_init__(self) -> None:
        if len(self.scale_fs) != len(self.channels):
            raise ValueError(f"scale_fs has {len(self.scale_fs)} values for {len(self.channels)} channels")
        if self.window_samples < self.hop_samples:
            raise ValueError("window_samples is less than hop_samples")

    @property
    def window_ms(self) -> float:
        """Length of the window in milliseconds."""
        return 1000 * self.window_samples / self.fs_hz

    @property
    def hop_ms(self) -> float:
        """Time from one decision to the next in milliseconds."""
        return 1000 * self.hop_samples / self.fs_hz


def encode_spec(spec: ModelSpec) -> str:
    """Metadata text to store under METADATA_KEY."""
    return msgspec.json.encode(spec).decode()


def decode_spec(text: str, path: Path) -> ModelSpec:
    """Validated metadata.

    Raises:
        UserError: the metadata is not ours or does not fit together.
    """
    try:
        return msgspec.json.decode(text, type=ModelSpec)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: the model's metadata is not valid ({error}); export the model again.") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: the model's metadata is damaged ({error}); export the model again.") from error
