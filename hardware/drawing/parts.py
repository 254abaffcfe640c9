"""The list of parts with its prices: the tables of BOM.md and their sums.

A number or figure with ° comes from a data sheet, catalogue or maker's page that we read.
"""

from __future__ import annotations

from collections import Counter
from math import fsum
from typing import Final, NamedTuple

from drawing.amplifiers import RECOMMENDED
from drawing.pins import Board
from drawing.small_parts import CIRCUITS
from drawing.table import table


class Part(NamedTuple):
    """A line of the list. A part with no count is an alternative or an extra: no sum contains it."""

    name: str
    number: str
    use: str
    each_eur: float
    arm: int = 0
    """Number in the arm build, beside those for each channel."""
    bench: int = 0
    per_channel: int = 0
    board: str = ""
    """Only for this board."""


class Build(NamedTuple):
    """A build of the hand: the bench or the arm, and its number of EMG channels."""

    name: str
    channels: int
    bench: bool = False

    def count(self, part: Part, board: Board) -> int:
        """Number of pieces of a part in this build."""
        if part.board not in {"", board.name}:
            return 0
        return part.bench if self.bench else part.arm + part.per_channel * self.channels


BOARDS: Final = (
    Part("Arduino Mega 2560 Rev3", "A000067", "8 channels; first choice", 45, 1, 1, board="mega2560"),
    Part("Arduino Uno Rev3", "A000066", "5 channels", 26, 1, 1, board="uno"),
    Part("USB A–B cable with ferrite, 0.5 m", "", "board to computer", 5, 1, 1),
)
COMPUTER: Final = (
    Part("Raspberry Pi 4 Model B or later, or any Linux laptop", "", "the host; Pi 4: 5 V, 3 A °", 65, 1, 1),
    Part("power bank, 5 V 3 A", "", "Pi on battery", 25, 1),
)
ELECTRODES: Final = (
    Part(
        "pre-gelled Ag/AgCl, single use, 50 pieces",
        "Ambu Neuroline 720 (72001-K), or SparkFun SEN-12969 ° (24 mm: wider than SENIAM asks)",
        "2 a channel + 1, for amplifiers without plates",
        20,
    ),
    Part("dry plates", "", "come with SEN0240", 0, per_channel=1),
    Part("elastic band, tape", "", "fixing", 5, 1),
)
MECHANICS: Final = (
    Part("servo, metal gears", "TowerPro MG996R", "stall at 6 V: 2.5 A (sellers' figure), 9–11 kg·cm", 9, 5, 1),
    Part("smaller servo", "MG90S class", "light hands; stall at 6 V under 1 A, check", 6),
    Part("servo tester with display in µs", "", "calibration", 10),
    Part("braided line, springs", "", "the closing tendons", 8, 1),
)
SUPPLY: Final = (
    Part("LiPo 3S 11.1 V 2200 mAh, 20C or more", "", "relay coil and regulator want 9 V or more", 22, 1),
    Part("charger with balancer, fireproof bag, cell alarm", "", "the LiPo", 45, 1),
    Part("blade fuse 10 A + in-line holder", "Littelfuse 0287010.PXCN", "[POWER.md](POWER.md)", 5, 1),
    Part("relay 12 V, make contact, 20 A", "Bosch 0 332 017 300 °", "carries more than the fuse", 10, 1),
    Part("its socket", "Bosch 3 334 485 045 °", "", 5, 1),
    Part(
        "emergency stop, latching, 1 NC + 1 NO",
        "Schneider XB4BS8445 °",
        "NC: coil, NO: RESET ([SAFETY.md](SAFETY.md))",
        45,
        1,
    ),
    Part("step-down regulator 6 V, 15 A", "Pololu D24V150F6", "five stalled servos ([POWER.md](POWER.md))", 80, 1),
    Part("or: BEC 6 V for 2–6S", "", "at least 12.5 A continuous and 15 A peak", 35),
    Part(
        "regulator 7.5 V, step-up/step-down, 0.5 A or more",
        "Pololu S13V25F7 °",
        "the board's VIN ([POWER.md](POWER.md)); 2.8–22 V in, 2.5 A, reverse voltage protection °",
        20,
        1,
    ),
    Part("capacitor 2200 µF 16 V, low ESR", "Panasonic EEU-FR1C222", "across the rails", 2, 1),
    Part("wire 1.5, 0.75 and 0.5 mm², XT60 plugs, terminal strip", "", "", 20, 1),
    Part("prototyping board, pin headers", "", "carries the small parts", 8, 1, 1),
)
BENCH: Final = (
    Part("2 × 10 kΩ, 10 µF 16 V, headphone plug", "", "test noise instead of EMG", 3, bench=1),
    Part("bench supply 6 V with current limit", "", "first steps", 60, bench=1),
    Part("USB isolator (ADuM4160 board)", "", "against hum; not protection of a person", 20),
)
AMPLIFIER: Final = Part(RECOMMENDED.name, RECOMMENDED.number, "", RECOMMENDED.eur or 0, per_channel=1)
"""The amplifier that the sums contain."""
GROUPS: Final = {
    "board": BOARDS,
    "computer": COMPUTER,
    "electrodes": ELECTRODES,
    "mechanics": MECHANICS,
    "supply": SUPPLY,
    "bench": BENCH,
}
SMALL_EUR: Final = {
    "resistor": 0.1,
    "film": 0.3,
    "electrolytic": 0.2,
    "LED": 0.2,
    "push": 2,
    "diode": 0.1,
}
"""By the first word of a small part's name."""


def small_parts(board: Board) -> tuple[Part, ...]:
    """The parts of all circuits on this board; the bench gets them, too, for four channels."""
    once, per_channel = Counter[str](), Counter[str]()
    for circuit in CIRCUITS:
        for name in circuit.parts(board):
            if circuit.once_a == "channel":
                per_channel[name] += 1
            else:
                once[name] += len(board.servos) if circuit.once_a == "servo" else 1
    return tuple(
        Part(
            name,
            "",
            ", ".join(f"{c.mark} {c.name}" for c in CIRCUITS if name in c.parts(board)),
            SMALL_EUR[name.split()[0]],
            once[name],
            once[name] + 4 * per_channel[name],
            per_channel[name],
        )
        for name in sorted(once | per_channel)
    )


def list_of(parts: tuple[Part, ...]) -> str:
    """Markdown table of some parts."""
    rows = [("part", "number", "for", "bench", "arm", "€ each")]
    for part in parts:
        arm = [str(part.arm)] if part.arm else []
        arm += [f"{part.per_channel} a channel"] if part.per_channel else []
        rows.append(
            (part.name, part.number, part.use, str(part.bench or "–"), " + ".join(arm) or "–", f"{part.each_eur:g}")
        )
    return table(*rows)


def part_counts(build: Build, board: Board) -> list[tuple[Part, int]]:
    """Every part of a build with its number of pieces, without the computer."""
    groups = [parts for name, parts in GROUPS.items() if name != "computer"]
    every = [part for parts in (*groups, (AMPLIFIER,), small_parts(board)) for part in parts]
    return [(part, build.count(part, board)) for part in every]


def price(build: Build, board: Board) -> float:
    """Sum of the parts of a build in €, without the computer."""
    return fsum(count * part.each_eur for part, count in part_counts(build, board))


def prices(boards: list[Board]) -> str:
    """Markdown table of the builds' prices."""
    rows = [("build", "board", "EMG channels", "parts", "and computer", "sum")]
    for board in boards:
        channels = sorted({4, board.emg_inputs})
        builds = [Build("bench", 0, bench=True), *(Build("arm", count) for count in channels)]
        for build in builds:
            parts = price(build, board)
            computer = fsum(build.count(part, board) * part.each_eur for part in COMPUTER)
            shown = str(build.channels or "test noise")
            sums = tuple(f"{euros:.0f} €" for euros in (parts, computer, parts + computer))
            rows.append((build.name, board.title, shown, *sums))
    return table(*rows)


def part_tables(boards: list[Board]) -> dict[str, str]:
    """The blocks of BOM.md that list parts."""
    first = boards[0]
    tables = {name: list_of(parts) for name, parts in GROUPS.items()}
    return tables | {"small": list_of(small_parts(first)), "prices": prices(boards)}
