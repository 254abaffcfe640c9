"""One wearer's forearm: ten finger muscles under a ring of electrodes, driven by the fingers' angles.

The forearm is a circle. Angles around it count from the middle of the palm side towards the thumb; each finger has a
flexor on the palm side and an extensor on the back. Places and depths are roughly those of the proximal third of the
forearm, a little further apart, so that a ring of four electrodes can tell the fingers apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.model.file import REST_DEG
from myobridge.simulator.motor_units import TYPE_FREQUENCY_HZ, FloatArray, Pool, motor_unit_pool

UNITS_PER_MUSCLE: Final = 100
LARGEST_UNIT_UV: Final = 1200.0
"""Peak of the largest unit's action potential at distance 0 from the electrode."""
PICKUP_MM: Final = 15.0
"""Distance at which an electrode sees half of the peak; far away the peak falls with the square of the distance."""
HOLD_FLEXED: Final = 0.5
"""Excitation that holds a finger fully closed against its own stiffness; rest needs no excitation."""
HOLD_EXTENDED: Final = 0.4
"""Excitation that holds a finger fully open."""
MOVE_PER_DEG_S: Final = 0.12 / 500
"""Extra excitation of the muscle that shortens, per degree per second."""
_RADIUS_MM: Final = 40.0
_SHAPES: Final = (2, 3)
"""Numbers of phases of the potential. Units of one fibre type lie in two places, with one number each."""


class Muscle(NamedTuple):
    """A muscle that moves one finger: its place, and the shares of its units of type I, IIa and IIb.

    About half of the fibres of forearm muscles are type I (Johnson et al., J. Neurol. Sci. 18, 1973).
    """

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
    """The place of some units of one fibre type, and the action potential that they share."""

    around_deg: float
    depth_mm: float
    peak_hz: float
    phases: Literal[2, 3]


@dataclass(frozen=True)
class Forearm:
    """The muscles of one wearer. Arrays hold the units of all muscles, in the order of MUSCLES."""

    pools: tuple[Pool, ...]
    fascicles: tuple[Fascicle, ...]
    fascicle_of_unit: NDArray[np.intp]
    size_uv: FloatArray
    """Peak of each unit's action potential at distance 0 from the electrode."""
    ring_turn_deg: float
    """Place of electrode 0; the others follow at equal distances towards the thumb."""

    def rate_hz(self, excitation: FloatArray) -> FloatArray:
        """Firing rates (steps, all units) at the muscles' excitation (steps, muscles)."""
        return np.hstack([pool.rate_hz(excitation[:, [m]]) for m, pool in enumerate(self.pools)])

    def gains(self, electrodes: int, turn_deg: float = 0.0) -> FloatArray:
        """The share of each fascicle's potential that each electrode sees (electrodes, fascicles), from 0 to 1.

        turn_deg: turn of the ring from its usual place, towards the thumb.
        """
        electrode = np.deg2rad(self.ring_turn_deg + turn_deg + 360 * np.arange(electrodes) / electrodes)
        apart = electrode[:, None] - np.deg2rad([f.around_deg for f in self.fascicles])
        radius_mm = _RADIUS_MM - np.array([f.depth_mm for f in self.fascicles])
        square_mm = _RADIUS_MM**2 + radius_mm**2 - 2 * _RADIUS_MM * radius_mm * np.cos(apart)
        return np.asarray(1 / (1 + square_mm / PICKUP_MM**2), dtype=np.float64)


def forearm(wearer: int) -> Forearm:
    """The forearm of one wearer: the places and strengths of muscles, and the ring's turn, vary between wearers."""
    rng = np.random.default_rng(wearer)
    pools: list[Pool] = []
    fascicles: list[Fascicle] = []
    fascicle_of_unit, size_uv = [], []
    for muscle in MUSCLES:
        pool = motor_unit_pool(UNITS_PER_MUSCLE, muscle.type_shares)
        here = muscle._replace(
            around_deg=muscle.around_deg + rng.normal(0, 4), depth_mm=muscle.depth_mm * rng.uniform(0.9, 1.1)
        )
        place = rng.integers(len(_SHAPES), size=UNITS_PER_MUSCLE)
        fascicle_of_unit.append(len(fascicles) + len(_SHAPES) * pool.fibre_type + place)
        size_uv.append(LARGEST_UNIT_UV * pool.size * rng.lognormal(0, 0.1))
        pools.append(pool)
        fascicles += [_fascicle(here, peak_hz, phases, rng) for peak_hz in TYPE_FREQUENCY_HZ for phases in _SHAPES]
    return Forearm(
        pools=tuple(pools),
        fascicles=tuple(fascicles),
        fascicle_of_unit=np.concatenate(fascicle_of_unit),
        size_uv=np.concatenate(size_uv),
        ring_turn_deg=float(rng.normal(0, 4)),
    )


def _fascicle(muscle: Muscle, peak_hz: float, phases: Literal[2, 3], rng: np.random.Generator) -> Fascicle:
    """A fascicle near the middle of its muscle; its potential is a little longer or shorter than its type's."""
    return Fascicle(
        around_deg=muscle.around_deg + rng.normal(0, 5),
        depth_mm=muscle.depth_mm + rng.uniform(-2, 2),
        peak_hz=peak_hz * rng.uniform(0.9, 1.1),
        phases=phases,
    )


def excitation(angles_deg: FloatArray, speed_deg_s: FloatArray) -> FloatArray:
    """Excitation of each muscle (n, muscles), 0..1, that holds angles (n, 5) and moves at speeds (n, 5)."""
    rest_deg = np.array(REST_DEG)
    flexor = HOLD_FLEXED * np.clip((angles_deg - rest_deg) / (180 - rest_deg), 0, 1)
    extensor = HOLD_EXTENDED * np.clip((rest_deg - angles_deg) / rest_deg, 0, 1)
    moving = MOVE_PER_DEG_S * speed_deg_s
    return np.hstack([flexor + np.maximum(moving, 0), extensor + np.maximum(-moving, 0)])
