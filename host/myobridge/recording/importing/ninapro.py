"""The movements of Ninapro's exercise B as servo angles (Atzori et al., Sci. Data 1, 140053, 2014).

The files hold the numbers of the movements in `restimulus`; the data glove's signals are not angles of fingers. The
angles here are proposed poses, not measurements; the same holds for every figure in degrees that is computed with them.
"""

from __future__ import annotations

from typing import Final

from myobridge.model.file import REST_DEG, LabelledPose

WRIST: Final = (
    "supination about the middle finger",
    "pronation about the middle finger",
    "supination about the little finger",
    "pronation about the little finger",
    "wrist flexion",
    "wrist extension",
    "radial deviation",
    "ulnar deviation",
)
"""Movements 9 to 16: the wrist moves, the fingers stay at rest."""
EXERCISE_B: Final = (
    LabelledPose(0, "rest", REST_DEG),
    LabelledPose(1, "thumb up", (0, 180, 180, 180, 180)),
    LabelledPose(2, "index and middle extended", (180, 0, 0, 180, 180)),
    LabelledPose(3, "ring and little flexed", (0, 0, 0, 180, 180)),
    LabelledPose(4, "thumb opposes little finger", (180, 0, 0, 0, 0)),
    LabelledPose(5, "fingers abducted", (0, 0, 0, 0, 0)),
    LabelledPose(6, "fist", (180, 180, 180, 180, 180)),
    LabelledPose(7, "pointing index", (180, 0, 180, 180, 180)),
    LabelledPose(8, "extended fingers adducted", (40, 0, 0, 0, 0)),
    *(LabelledPose(label, name, REST_DEG) for label, name in enumerate(WRIST, 9)),
    LabelledPose(17, "wrist extension with closed hand", (180, 180, 180, 180, 180)),
)
