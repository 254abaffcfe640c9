"""The movements of the BioPatRec recordings as servo angles.

Dataset 10mov4chForearmUntargeted (Ortiz-Catalan, Brånemark and Håkansson, "BioPatRec", Source Code Biol. Med. 8:11,
2013), as `.npz` recordings sNN.npz. The recordings hold a cue but no finger angles. The angles here are proposed poses,
not measurements; the same holds for every figure in degrees that is computed with them.
"""

from __future__ import annotations

from typing import Final

from myobridge.model.file import REST_DEG, LabelledPose

POSES: Final = (
    LabelledPose(0, "rest", REST_DEG),
    LabelledPose(1, "open_hand", (0, 0, 0, 0, 0)),
    LabelledPose(2, "close_hand", (180, 180, 180, 180, 180)),
    # The wrist moves; the fingers stay at rest.
    LabelledPose(3, "flex_hand", REST_DEG),
    LabelledPose(4, "extend_hand", REST_DEG),
    LabelledPose(5, "pronation", REST_DEG),
    LabelledPose(6, "supination", REST_DEG),
    LabelledPose(7, "side_grip", (120, 150, 150, 150, 150)),
    LabelledPose(8, "fine_grip", (110, 110, 20, 20, 20)),
    LabelledPose(9, "agree", (0, 180, 180, 180, 180)),
    LabelledPose(10, "pointer", (180, 0, 180, 180, 180)),
)
