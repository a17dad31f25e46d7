"""Small charts of one video as SVG paths: drawn in a millisecond, and sharp at any width.

The picture is stretched to the width of its box (`preserveAspectRatio="none"`); so it holds no
text, and what labels it stands around it as HTML.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True)
class Shape:
    """A path and how it looks: a CSS class of the page's style sheet."""

    look: str
    path: str


@dataclass(frozen=True)
class Place:
    """A point on the horizontal axis: percent of the width, and what is written there.

    Attributes:
        row: of labels, counted from above.
    """

    percent: float
    label: str
    row: int = 0


@dataclass(frozen=True)
class Chart:
    """Shapes over a common axis.

    Attributes:
        saying: what the picture shows, for those who do not see it.
        top: what its upper edge stands for, written above it.
        bottom: and its lower edge.
        places: labels below it.
        marks: labels within it, at its upper edge.
    """

    saying: str
    shapes: tuple[Shape, ...]
    top: str
    bottom: str
    places: tuple[Place, ...]
    marks: tuple[Place, ...] = ()


def line(xs: Sequence[float], ys: Sequence[float]) -> str:
    """A line through points, both coordinates between 0 and 1, the second one upwards."""
    return "M" + "L".join(_points(xs, ys)) if xs else ""


def area(xs: Sequence[float], ys: Sequence[float]) -> str:
    """What lies below such a line."""
    if not xs:
        return ""
    return f"{line([xs[0], *xs, xs[-1]], [0.0, *ys, 0.0])}Z"


def bars(edges: Sequence[float], heights: Sequence[float], base: float = 0.0) -> str:
    """A bar between each two edges that follow each other, from the base upwards or downwards.

    Args:
        edges: one more than heights, between 0 and 1.
        heights: of the bars, negative ones point downwards.
        base: where they begin.
    """
    pieces = zip(edges[:-1], edges[1:], heights, strict=True)
    return "".join(_bar(left, right, base, height) for left, right, height in pieces if height)


def _bar(left: float, right: float, base: float, height: float) -> str:
    gap = (right - left) / 10
    x, end = WIDTH * (left + gap), WIDTH * (right - gap)
    return (
        f"M{_short(x)} {_short(HEIGHT * (1 - base))}V{_short(HEIGHT * (1 - base - height))}"
        f"H{_short(end)}V{_short(HEIGHT * (1 - base))}Z"
    )


def _points(xs: Iterable[float], ys: Iterable[float]) -> list[str]:
    return [f"{_short(WIDTH * x)} {_short(HEIGHT * (1 - y))}" for x, y in zip(xs, ys, strict=True)]


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
