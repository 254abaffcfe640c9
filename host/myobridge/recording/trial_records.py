"""The records of an online trial in a `.myo` log: what was asked, the hand that the wearer saw, and the answers.

The result of a trial is a pure function of these records (calibration/trial/judge.py). Times are on the host's
monotonic clock, as the log's time marks are. Angles are in degrees, thumb to little finger.
"""

from __future__ import annotations

import struct
from typing import Annotated, Final, Literal, NamedTuple, Self

import msgspec

from myobridge.model.file import Line, Pose

Task = Literal["reach", "fitts", "rest", "practice"]
Measured = Literal["commanded", "applied"]
"""The hand that the wearer sees and that is judged: the daemon's angles, or the angles that the board applies."""
Judged = Literal["hand", "grip", "grip and point"]
"""What must lie in the target: each finger; the mean of thumb, middle, ring and little finger; that mean and the index
finger."""
Outcome = Literal["reached", "missed", "interrupted"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Span = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Number = Annotated[int, msgspec.Meta(ge=0, le=100_000)]

_SHOWN: Final = struct.Struct("<dB5H")
CDEG: Final = 100
MOST_CDEG: Final = 18_000


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="begun"):
    """A trial begins.

    proportional: the model learned partial closings; otherwise it chooses among poses.
    targets: how many targets are planned.
    """

    task: Task
    measured: Measured
    model: Line
    proportional: bool
    rest_deg: Pose
    seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
    targets: Number


class Target(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="target"):
    """A target appears at `t_s`; the wearer must bring the hand into it and keep it there for `dwell_s`.

    depth: share of the way from rest to the pose of this name.
    tolerance_deg: distance from the target that still counts, in the measure of `judged`.
    """

    number: Number
    name: Line
    depth: Annotated[float, msgspec.Meta(ge=0, le=1)]
    angles_deg: Pose
    judged: Judged
    tolerance_deg: Annotated[float, msgspec.Meta(gt=0, le=180)]
    dwell_s: Span
    timeout_s: Span
    t_s: Seconds = 0.0


class Answer(msgspec.Struct, frozen=True, tag_field="kind", tag="answer"):
    """The target of this number is over."""

    number: Number
    t_s: Seconds
    outcome: Outcome


class Ended(msgspec.Struct, frozen=True, tag_field="kind", tag="ended"):
    """The trial is over; finished: nobody broke it off."""

    t_s: Seconds
    finished: bool


class Shown(NamedTuple):
    """The hand at one time, as the wearer saw it; follows: the hand follows the wearer at this time."""

    t_s: float
    follows: bool
    angles_cdeg: tuple[int, ...]

    @classmethod
    def of(cls, t_s: float, follows: bool, angles_deg: list[float]) -> Self:
        """Rounds the angles to hundredths of a degree, as they are recorded and judged."""
        return cls(t_s, follows, tuple(min(max(round(CDEG * angle), 0), MOST_CDEG) for angle in angles_deg))

    @property
    def angles_deg(self) -> list[float]:
        """The angles in degrees."""
        return [angle / CDEG for angle in self.angles_cdeg]


Text = Begun | Target | Answer | Ended
"""The records that are written as JSON."""
Record = Text | Shown

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Text).decode


def pack(record: Record) -> bytes:
    """The payload of a record's frame."""
    return (
        _SHOWN.pack(record.t_s, record.follows, *record.angles_cdeg) if isinstance(record, Shown) else _encode(record)
    )


def unpack_text(payload: bytes) -> Text | None:
    """A record from its JSON; None: this program does not understand it."""
    try:
        text: Text = _decode(payload)
    except (ValueError, RecursionError):
        return None
    return text


def unpack_shown(payload: bytes) -> Shown | None:
    """A hand from its payload; None: it is not valid."""
    if len(payload) != _SHOWN.size:
        return None
    t_s, follows, *angles = _SHOWN.unpack(payload)
    return Shown(t_s, bool(follows), tuple(angles)) if 0 <= t_s <= 1e9 and max(angles) <= MOST_CDEG else None
