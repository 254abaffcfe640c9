"""One moment of a trial as the wearer sees it: a picture in a terminal, a line, or a card of the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from myobridge import SERVOS
from myobridge.calibration.look import WIDTH, hand
from myobridge.calibration.trial.attempt import gap_deg, place
from myobridge.calibration.trial.course import Course, Stage
from myobridge.calibration.trial.judge import points
from myobridge.feed.prompts import Bar, Prompt, TrialCard
from myobridge.model.file import Pose
from myobridge.recording.trial_records import Begun, Judged, Outcome, Target
from myobridge.view.terminal import bar

KEYS: Final = "q  stop and keep what is done"
STYLES: Final = {"reached": "bold green", "missed": "yellow", "interrupted": "cyan"}
SAID: Final[dict[Outcome, str]] = {
    "reached": "Reached.",
    "missed": "Time is up.",
    "interrupted": "The target comes again.",
}
CLOSED_DEG: Final = 180.0
MOST_LETTERS: Final = 60


@dataclass(frozen=True)
class TrialLook:
    """One moment. target_deg: the hand to make now; here_deg: the hand that is judged; card: what the page shows."""

    title: str
    text: str
    target_deg: Pose
    here_deg: Pose
    card: TrialCard
    seconds_left: float
    notes: tuple[str, ...] = ()

    @property
    def prompt(self) -> Prompt:
        """The prompt that the page shows."""
        share = self.card.done / max(1, self.card.planned)
        return Prompt(
            title=self.title,
            text=self.text,
            progress=share,
            angles_deg=self.target_deg,
            seconds_left=self.seconds_left,
            trial=self.card,
        )

    @property
    def line(self) -> str:
        """The moment as a line of text, without numbers that change all the time."""
        return f"{self.title}. {self.text}".strip()

    def picture(self) -> RenderableType:
        """Both hands, and how long the hand has stayed in the target."""
        card = self.card
        style = "bold green" if card.inside and card.stage == "target" else "yellow"
        hands = Table.grid(expand=True)
        for _ in range(2):
            hands.add_column(ratio=1)
        hands.add_row(*(Align.center(Text(name, style="dim")) for name in ("target", "your hand")))
        hands.add_row(Align.center(hand(self.target_deg, style)), Align.center(hand(self.here_deg, "blue")))
        score = "" if card.score is None else f"   {card.score} points"
        left = f"{self.seconds_left:4.1f} s" if self.seconds_left else ""
        body = Group(
            Align.center(Text.assemble((f" {self.title} ", f"reverse {style}"), f"  {left}")),
            Text(""),
            hands,
            Text(""),
            Align.center(Text(self.text)),
            Align.center(Text.assemble(bar(card.dwelt, style), "  stayed")),
            Align.center(Text(f"{card.done} of {card.planned} targets{score}")),
            *(Text(note) for note in self.notes[-2:]),
            Align.center(Text(KEYS, style="dim")),
        )
        return Panel(body, title="[bold]myobridge[/] · trial", width=WIDTH)

    def small_picture(self) -> RenderableType:
        """The moment without hands."""
        return Group(Text(self.line), bar(self.card.dwelt, "green"), Text(KEYS))


def look_at(begun: Begun, course: Course, here_deg: Sequence[float], result: tuple[str, ...] = ()) -> TrialLook:
    """The moment of a course with the hand `here_deg`; result: sentences, once the trial is over."""
    on = course.attempt.target if course.attempt is not None else None
    target_deg = begun.rest_deg if on is None else on.angles_deg
    thumb, index, middle, ring, little = (min(max(angle, 0.0), CLOSED_DEG) for angle in here_deg)
    here: Pose = (thumb, index, middle, ring, little)
    title, text = _words(course, begun, result)
    seconds_left = course.left_s()
    return TrialLook(title, text, target_deg, here, _card(begun, course, on, here, result), seconds_left)


def named(target: Target) -> str:
    """Name and depth of a target, short enough for a title."""
    name = target.name[:MOST_LETTERS]
    return name if target.depth in {0.0, 1.0} else f"{name} {target.depth:.0%}"


def _card(begun: Begun, course: Course, on: Target | None, here: Pose, result: tuple[str, ...]) -> TrialCard:
    shown = on or course.coming
    judged: Judged = "hand" if shown is None else shown.judged
    goal = begun.rest_deg if on is None else on.angles_deg
    last = course.answers[-1].outcome if course.answers else ""
    attempt = course.attempt
    practice = begun.task == "practice"
    return TrialCard(
        stage=course.stage.name.lower(),  # type: ignore[arg-type]  # the names of Stage
        applied=begun.measured == "applied",
        bars=tuple(map(Bar, _names(judged), place(judged, goal), place(judged, here))),
        tolerance_deg=on.tolerance_deg if on else 0.0,
        inside=on is not None and gap_deg(on, here) <= on.tolerance_deg,
        dwelt=attempt.dwelt(course.now_s) if attempt else 0.0,
        left=min(1.0, course.left_s() / on.timeout_s) if on else 0.0,
        done=course.done,
        planned=course.planned,
        last=last,
        score=sum(map(points, course.finished)) if practice else None,
        result=result,
    )


def _names(judged: Judged) -> tuple[str, ...]:
    return {"hand": SERVOS, "grip": ("grip",), "grip and point": ("grip", "index")}[judged]


def _words(course: Course, begun: Begun, result: tuple[str, ...]) -> tuple[str, str]:
    coming, last = course.coming, course.answers[-1] if course.answers else None
    said = SAID[last.outcome] if last else ""
    if course.stage is Stage.WAITING:
        what = (
            "Arm the hand; the trial never arms it." if begun.measured == "applied" else "The daemon does not decide."
        )
        return "Waiting for the hand", what
    if course.stage is Stage.READY:
        return "Get ready", "Relax. Then bring the hand to the target."
    if course.stage is Stage.DONE:
        return "Done", " ".join(result)[:400]
    if course.stage is Stage.TARGET and coming is not None:
        stay = (
            "Let the hand hang loosely and do nothing."
            if begun.task == "rest"
            else "Bring the hand to the target, and stay."
        )
        return named(coming), stay
    return "Rest", f"{said} Next: {named(coming)}.".strip() if coming else said
