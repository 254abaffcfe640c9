"""A sheet to draw on: just enough SVG, as text that is the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Point = tuple[float, float]

INK = "#1f2937"
SOFT = "#6b7280"
PAPER = "#ffffff"
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def number(value: float) -> str:
    """At most one decimal: the last bit of a sine, which differs between machines, must not change a drawing."""
    return f"{round(value, 1) + 0.0:g}"


def points(path: Sequence[Point]) -> str:
    """Coordinates for `points=` or after a path's M."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in path)


class Sheet:
    """Collects elements in the order in which they are painted."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="{FONT}" role="img">\n<title>{escape(title)}</title>\n'
            f'<rect width="{width}" height="{height}" rx="12" fill="{PAPER}"/>'
        )
        self._body: list[str] = []

    def add(self, element: str) -> None:
        """Any SVG element."""
        self._body.append(element)

    def text(
        self, x: float, y: float, words: str, size: int = 14, fill: str = INK, anchor: str = "start", bold: bool = False
    ) -> None:
        """One line; y is its baseline."""
        weight = ' font-weight="bold"' if bold else ""
        self.add(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}>'
            f"{escape(words)}</text>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        edge: str = INK,
        rx: int = 8,
        dash: bool = False,
    ) -> None:
        """A rounded rectangle."""
        dashes = ' stroke-dasharray="5 4"' if dash else ""
        self.add(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" rx="{rx}" '
            f'fill="{fill}" stroke="{edge}" stroke-width="1.5"{dashes}/>'
        )

    def dot(self, x: float, y: float, radius: float, fill: str, edge: str = "none") -> None:
        """A filled circle."""
        self.add(f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{fill}" stroke="{edge}"/>')

    def mark(self, x: float, y: float, letter: str) -> None:
        """The letter of a circuit of small parts, in a circle."""
        self.dot(x, y, 11, "#fef08a", INK)
        self.text(x, y + 5, letter, 14, anchor="middle", bold=True)

    def line(self, path: Sequence[Point], colour: str, width: float = 2, dash: str = "") -> None:
        """A line through the points."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.add(
            f'<polyline points="{points(path)}" fill="none" stroke="{colour}" stroke-width="{number(width)}" '
            f'stroke-linejoin="round" stroke-linecap="round"{dashes}/>'
        )

    def wire(self, path: Sequence[Point], colour: str, width: float = 2.5) -> None:
        """A line with a pale rim, so that it visibly passes over what it crosses."""
        self.line(path, PAPER, width + 4)
        self.line(path, colour, width)

    def render(self) -> str:
        """The whole file."""
        return "\n".join([self._head, *self._body, "</svg>", ""])
