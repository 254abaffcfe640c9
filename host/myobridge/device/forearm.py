"""One wearer's forearm: ten finger muscles under a ring of electrodes, and how the fingers' angles drive them.

The forearm is a circle. Angles around it count from the middle of the palm side towards the thumb; each finger has a
flexor on the palm side and an extensor on the back. Places and depths are roughly those of the proximal third of the
forearm, pulled apart a little so that a ring of few electrodes can tell the fingers apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from myobridge.device.motor_units import TYPE_FREQUENCY_HZ, FloatArray, Pool, motor_unit_pool
from myobridge.device.script import REST_DEG

UNITS_PER_MUSCLE: Final = 100
FASCICLES: Final = 2
"""Each fibre type of a muscle lies in so many places; the units of one place share the shape of their potentials."""
_RADIUS_MM: Final = 40.0
_LARGEST_UNIT_UV: Final = 1200.0
"""Peak of the largest unit's action potential right at the electrode."""
_PICKUP_MM: Final = 15.0
"""Distance at which an electrode sees half of that; far away it falls with the square of the distance."""

HOLD_FLEXED: Final = 0.5
"""Excitation that holds a finger fully closed against its own stiffness; none is needed at rest."""
HOLD_EXTENDED: Final = 0.4
_MOVE_PER_DEG_S: Final = 0.12 / 500
"""Extra excitation of the muscle that shortens, per degree a second."""


class Muscle(NamedTuple):
    """A muscle that moves one finger: where it lies and which fibres it has (shares of type I, IIa, IIb)."""

    name: str
    around_deg: float
    depth_mm: float
    type_shares: tuple[float, float, float]


# Flexors thumb to little, then extensors thumb to little.
MUSCLES: Final = (
    Muscle("flexor pollicis longus", 65, 13, (0.60, 0.30, 0.10)),
    Muscle("flexor digitorum, index", 30, 11, (0.40, 0.30, 0.30)),
    Muscle("flexor digitorum, middle", -8, 13, (0.50, 0.35, 0.15)),
    Muscle("flexor digitorum, ring", -50, 11, (0.50, 0.25, 0.25)),
    Muscle("flexor digitorum, little", -95, 13, (0.55, 0.35, 0.10)),
    Muscle("extensor pollicis longus", 120, 10, (0.50, 0.30, 0.20)),
    Muscle("extensor indicis", 150, 10, (0.45, 0.30, 0.25)),
    Muscle("extensor digitorum, middle", 180, 8, (0.50, 0.35, 0.15)),
    Muscle("extensor digitorum, ring", 210, 9, (0.50, 0.25, 0.25)),
    Muscle("extensor digiti minimi", 240, 9, (0.55, 0.30, 0.15)),
)


class Fascicle(NamedTuple):
    """Where some units of one fibre type lie, and the action potential that they share."""

    around_deg: float
    depth_mm: float
    peak_hz: float
    phases: int


@dataclass(frozen=True)
class Forearm:
    """All units of all muscles side by side: their pools, their fascicles, and the ring's turn on the arm."""

    pools: tuple[Pool, ...]
    fascicles: tuple[Fascicle, ...]
    fascicle_of_unit: np.ndarray[tuple[int], np.dtype[np.intp]]
    size_uv: FloatArray
    """Peak of each unit's action potential right at the electrode."""
    ring_turn_deg: float

    def rate_hz(self, excitation: FloatArray) -> FloatArray:
        """Firing rates (steps, all units) at the muscles' excitation (steps, muscles)."""
        return np.hstack([pool.rate_hz(excitation[:, [m]]) for m, pool in enumerate(self.pools)])

    def gains(self, electrodes: int) -> FloatArray:
        """How much each electrode sees of each fascicle (electrodes, fascicles), from 0 to 1."""
        electrode = np.deg2rad(self.ring_turn_deg + 360 * np.arange(electrodes) / electrodes)
        around = np.deg2rad([f.around_deg for f in self.fascicles])
        radius_mm = _RADIUS_MM - np.array([f.depth_mm for f in self.fascicles])
        apart = electrode[:, None] - around
        square_mm = _RADIUS_MM**2 + radius_mm**2 - 2 * _RADIUS_MM * radius_mm * np.cos(apart)
        return 1 / (1 + square_mm / _PICKUP_MM**2)


def forearm(wearer: int) -> Forearm:
    """The forearm of one person: muscles a little displaced, stronger or weaker, and the ring put on a little turned."""
    rng = np.random.default_rng(wearer)
    pools, fascicles, of_unit, size_uv = [], [], [], []
    for muscle in MUSCLES:
        pool = motor_unit_pool(UNITS_PER_MUSCLE, muscle.type_shares)
        around_deg = muscle.around_deg + rng.normal(0, 4)
        depth_mm = muscle.depth_mm * rng.uniform(0.9, 1.1)
        place = rng.integers(FASCICLES, size=UNITS_PER_MUSCLE)
        of_unit.append(len(fascicles) + pool.fibre_type * FASCICLES + place)
        size_uv.append(_LARGEST_UNIT_UV * pool.size * rng.lognormal(0, 0.1))
        pools.append(pool)
        for peak_hz in TYPE_FREQUENCY_HZ:
            for phases in (2, 3):
                spread = Fascicle(
                    around_deg + rng.normal(0, 5),
                    depth_mm + rng.uniform(-2, 2),
                    peak_hz * rng.uniform(0.9, 1.1),
                    phases,
                )
                fascicles.append(spread)
    return Forearm(
        tuple(pools), tuple(fascicles), np.concatenate(of_unit), np.concatenate(size_uv), float(rng.normal(0, 4))
    )


def excitation(angles_deg: FloatArray, speed_deg_s: FloatArray) -> FloatArray:
    """What each muscle gets (n, 10), 0..1, to hold angles (n, 5) and to move at speeds (n, 5)."""
    rest_deg = np.array(REST_DEG)
    flexor = HOLD_FLEXED * np.clip((angles_deg - rest_deg) / (180 - rest_deg), 0, 1)
    extensor = HOLD_EXTENDED * np.clip((rest_deg - angles_deg) / rest_deg, 0, 1)
    moving = _MOVE_PER_DEG_S * speed_deg_s
    return np.hstack([flexor + np.maximum(moving, 0), extensor + np.maximum(-moving, 0)])
