"""One moment of a guided recording as the wearer sees it: a picture in a terminal, a line, or a browser's prompt.

Pure functions of the walk and the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from myobridge.calibration.plan import Stage, Walk
from myobridge.calibration.poses import GuidedPose
from myobridge.feed.prompts import Prompt
from myobridge.model.file import Pose
from myobridge.view.terminal import CLOSED_DEG, bar

WIDTH: Final = 78
HEIGHT: Final = 23
"""Size of the picture, in columns and rows of text."""
FINGER_ROWS: Final = (5.0, 5.2, 6.0, 5.5, 4.2)
"""Lengths of the stretched fingers, thumb to little finger, in rows of text."""
BENT_ROWS: Final = 0.8
"""Visible length of a closed finger."""
PALM_ROWS: Final = 3
THUMB_BASE_ROWS: Final = 2
"""How far below the other fingers the thumb begins."""
FINGER_COLUMNS: Final = 3
EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
KEYS: Final = "r  repeat the last pose     p  pause     q  stop and keep the recording"
NOTES: Final = 2
PRESS_P: Final = "Press p to continue."
STYLES: Final = {
    Stage.READY: "yellow",
    Stage.REST: "yellow",
    Stage.HOLD: "bold green",
    Stage.PAUSED: "cyan",
    Stage.DONE: "green",
}


@dataclass(frozen=True)
class Look:
    """One moment.

    angles_deg: the pose to make now.
    coming_deg: the pose to make now or next, which is drawn; a shown hand that moves is drawn as it is now.
    """

    stage: Stage
    title: str
    text: str
    angles_deg: Pose
    coming_deg: Pose
    stage_left_s: float
    stage_s: float
    left_s: float
    progress: float
    holds_done: int
    holds: int
    notes: tuple[str, ...] = ()

    @property
    def prompt(self) -> Prompt:
        """The prompt that the live view shows."""
        return Prompt(
            title=self.title,
            text=" ".join([self.text, *self.notes[-1:]])[:400],
            progress=min(1.0, self.progress),
            angles_deg=self.angles_deg,
            seconds_left=self.stage_left_s,
        )

    @property
    def line(self) -> str:
        """The moment as a line of text."""
        return f"{self.title}. {self.text}".strip()

    def picture(self) -> RenderableType:
        """The picture, WIDTH by HEIGHT."""
        return render(self)

    def small_picture(self) -> RenderableType:
        """The picture without the hand, for a terminal that is too small."""
        return render_small(self)


def look_at(
    walk: Walk,
    rest: GuidedPose,
    holds: int,
    now_s: float,
    *,
    waiting: bool,
    notes: tuple[str, ...],
    paused: str = PRESS_P,
) -> Look:
    """The moment `now_s` of a walk through so many holds.

    waiting: the walk is paused because no samples arrive; paused: how a walk that a person paused goes on.
    """
    coming = walk.coming.pose if walk.coming else rest
    title, text = _words(walk, coming, waiting, paused)
    hold_s = walk.seconds(walk.coming) if walk.coming else 0.0
    stage_s = {Stage.READY: walk.timing.ready_s, Stage.REST: walk.timing.rest_s, Stage.HOLD: hold_s}
    shown_deg = walk.shown_deg(now_s)
    return Look(
        stage=walk.stage,
        title=title,
        text=text,
        angles_deg=shown_deg or (coming.angles_deg if walk.stage is Stage.HOLD else rest.angles_deg),
        coming_deg=shown_deg or coming.angles_deg,
        stage_left_s=walk.stage_left_s(now_s),
        stage_s=stage_s.get(walk.stage, 0.0),
        left_s=walk.left_s(now_s),
        progress=walk.progress(now_s),
        holds_done=holds - walk.holds_left,
        holds=holds,
        notes=notes[-NOTES:],
    )


def _words(walk: Walk, coming: GuidedPose, waiting: bool, paused: str) -> tuple[str, str]:
    if waiting:
        return "Waiting for the board", "No samples arrive: check the cable. The recording continues by itself."
    if walk.stage is Stage.HOLD:
        return coming.name, coming.how
    next_one = f"Next: {coming.name}. {coming.how}".strip() if walk.coming else "That was all."
    return {
        Stage.READY: ("Get ready", f"Relax. {next_one}"),
        Stage.REST: ("Rest", next_one),
        Stage.PAUSED: ("Paused", paused),
        Stage.DONE: ("Done", ""),
    }[walk.stage]


def hand(angles_deg: Pose, style: str) -> Text:
    """A hand seen from its back, thumb on the left; a finger is shorter the more it is closed."""
    longest = math.ceil(max(FINGER_ROWS))
    width = len(FINGER_ROWS) * (FINGER_COLUMNS + 1) - 1
    rows = [[" "] * width for _ in range(longest + PALM_ROWS)]
    for finger, (whole, angle) in enumerate(zip(FINGER_ROWS, angles_deg, strict=True)):
        column = finger * (FINGER_COLUMNS + 1)
        length = BENT_ROWS + (whole - BENT_ROWS) * (1 - angle / CLOSED_DEG)
        base = longest + (THUMB_BASE_ROWS if finger == 0 else 0)
        for row in range(longest):
            cell = EIGHTHS[round(8 * min(max(length - row, 0.0), 1.0))]
            rows[base - 1 - row][column : column + FINGER_COLUMNS] = [cell] * FINGER_COLUMNS
    for palm in rows[longest:]:
        palm[FINGER_COLUMNS + 1 :] = ["█"] * (width - FINGER_COLUMNS - 1)
    rows[longest + THUMB_BASE_ROWS - 1][FINGER_COLUMNS] = "█"  # joins the thumb to the palm
    return Text("\n".join("".join(row) for row in rows), style=style)


def clock(seconds: float) -> str:
    """Minutes and seconds as text."""
    return f"{int(seconds + 0.5) // 60}:{int(seconds + 0.5) % 60:02d}"


def render(look: Look) -> RenderableType:
    """The picture, WIDTH by HEIGHT."""
    style = STYLES[look.stage]
    count = f"{look.stage_left_s:4.1f} s" if look.stage_s else ""
    head = Text.assemble((f" {look.title} ", f"reverse {style}"), f"  {count}")
    share = look.stage_left_s / look.stage_s if look.stage_s else 0.0
    done = Text.assemble(bar(look.progress, "blue"), f"  {look.holds_done} of {look.holds}   {clock(look.left_s)} left")
    notes = [Text(note, style="bold yellow") for note in look.notes]
    blank = [Text("")] * (NOTES - len(notes))
    body = Group(
        Align.center(head),
        Align.center(hand(look.coming_deg, style)),
        Text(""),
        Align.center(Text(look.text)),
        Align.center(bar(share, style)),
        Text(""),
        Align.center(done),
        *notes,
        *blank,
        Align.center(Text(KEYS, style="dim")),
    )
    return Panel(body, title="[bold]myobridge[/] · guided recording", width=WIDTH)


def render_small(look: Look) -> RenderableType:
    """The picture without the hand, for a terminal that is too small."""
    count = f"  {look.stage_left_s:.0f} s" if look.stage_s else ""
    head = Text.assemble((f" {look.title} ", f"reverse {STYLES[look.stage]}"), count)
    done = Text(f"{look.holds_done} of {look.holds}   {clock(look.left_s)} left")
    return Group(head, Text(look.text), done, *(Text(note, style="bold yellow") for note in look.notes), Text(KEYS))
