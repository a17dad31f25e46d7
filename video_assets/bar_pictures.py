"""Bars as Markdown pictures, in the look of the charts of `plots`, without their renderer.

Each day's run has two: to start the renderer's interpreter took half a second.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from math import ceil, floor, log10

from video_assets.plots import (
    CARD,
    FONT_SIZE,
    HEIGHT,
    INK,
    LINE,
    MAIN,
    SMALL_FONT,
    SOFT,
    WIDTH,
    svg_as_markdown,
)
from video_assets.wording import full_day

_PADDING = 4
_TITLE = FONT_SIZE + 1
_TOP = 48
_BELOW = 24
_CHARACTER = 6.3
_FEWEST_LINES = 3
_BETWEEN_LABELS = 24
_BAR_SHARE = 0.8
_BAND = 46
_BAR = 14
_LONGEST_BAR = 0.69


def bars_per_day(values: Mapping[date, float], title: str, unit: str) -> str:
    """A bar a day as a Markdown picture; the title alone where there is nothing to draw.

    Args:
        values: a value a day; days that are not there have no bar.
        title: what is shown.
        unit: what the values are.
    """
    if not values:
        return _nothing(title)
    drawn = "".join(_days(values, title, unit))
    return svg_as_markdown(_svg(_TOP + HEIGHT + _BELOW, drawn), title)


def bars_per_name(values: Mapping[str, float], title: str, unit: str) -> str:
    """A bar a name, in their order, with the value; the title alone where there is none.

    Args:
        values: a value a name.
        title: what is shown.
        unit: what the values are.
    """
    if not values:
        return _nothing(title)
    drawn = "".join(_names(values, title, unit))
    return svg_as_markdown(_svg(_BAND * len(values) + _TOP // 2, drawn), title)


def _days(values: Mapping[date, float], title: str, unit: str) -> Iterator[str]:
    lines = _lines(max(values.values()))
    numbers = _numbers(lines)
    left = _PADDING + 6 + max(map(len, numbers)) * _CHARACTER
    bottom, scale = _TOP + HEIGHT, HEIGHT / lines[-1]
    yield _title(title)
    yield _text(_PADDING, _TOP - 12, unit, SOFT, SMALL_FONT)
    for line, number in zip(lines, numbers, strict=True):
        y = bottom - line * scale
        yield _box(left, y, WIDTH - left, 1, LINE)
        yield _text(left - 6, y + SMALL_FONT / 3, number, SOFT, SMALL_FONT, "end")
    first, last = min(values), max(values)
    band = (WIDTH - left) / ((last - first).days + 1)
    for day in sorted(values):
        x, height = left + (day - first).days * band, max(values[day], 0) * scale
        yield _box(
            x + (1 - _BAR_SHARE) / 2 * band, bottom - height, _BAR_SHARE * band, height, MAIN
        )
    for day, label in _labels(first, last, WIDTH - left):
        center = left + ((day - first).days + 0.5) * band
        half = len(label) * _CHARACTER / 2
        x = min(max(center, half), WIDTH - half)
        yield _text(x, bottom + 17, label, SOFT, SMALL_FONT, "middle")


def _labels(first: date, last: date, width: float) -> Iterator[tuple[date, str]]:
    """As many days as there is room for; the year stands at the first where it is that of all."""
    longest = len(full_day(first)) * _CHARACTER + _BETWEEN_LABELS
    days = (last - first).days + 1
    step = ceil(days / max(1, floor(width / longest)))
    for n in range(0, days, step):
        day = first + timedelta(days=n)
        text = full_day(day)
        is_same_year = n > 0 and first.year == last.year
        yield day, text.removesuffix(f" {day.year}") if is_same_year else text


def _names(values: Mapping[str, float], title: str, unit: str) -> Iterator[str]:
    yield _title(title)
    scale = _LONGEST_BAR * WIDTH / (max(values.values()) or 1)
    for place, (name, value) in enumerate(values.items()):
        y, length = _TOP // 2 + place * _BAND + _BAND // 2, value * scale
        yield _text(_PADDING, y - 4, name, INK, FONT_SIZE)
        yield _box(_PADDING, y + 1, length, _BAR, MAIN)
        yield _text(_PADDING + length + 6, y + _BAR - 2, f"{value:,} {unit}", SOFT, FONT_SIZE)


def _lines(highest: float) -> Sequence[float]:
    """Round numbers from nothing to the highest value or above, three to six of them."""
    if highest <= 0:
        return 0.0, 1.0
    power = 10.0 ** floor(log10(highest / _FEWEST_LINES))
    step = next(s * power for s in (1, 2, 5, 10) if highest / (s * power) <= 2 * _FEWEST_LINES - 1)
    return [n * step for n in range(ceil(highest / step) + 1)]


def _numbers(lines: Sequence[float]) -> list[str]:
    """With as many digits as tell them apart."""
    digits = max(0, -floor(log10(lines[1])))
    return [f"{line:,.{digits}f}" for line in lines]


def _title(title: str) -> str:
    return _text(_PADDING, _PADDING + _TITLE, title, INK, _TITLE, weight="bold")


def _svg(height: float, drawn: str) -> str:
    width = WIDTH + _PADDING
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif">{_box(0, 0, width, height, CARD)}{drawn}</svg>'
    )


def _box(x: float, y: float, width: float, height: float, color: str) -> str:
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{color}"/>'
    )


def _text(  # noqa: PLR0913, PLR0917 (as SVG's own element)
    x: float,
    y: float,
    text: str,
    color: str,
    size: int,
    anchor: str = "start",
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" fill="{color}" font-size="{size}" '
        f'text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
    )


def _nothing(title: str) -> str:
    return f"{title}: nothing to show"
