"""Charts as Vega-Lite specifications, drawn in this process, without network or script.

One drawing serves both readers: the report's page takes it as SVG in the colours of the page's
theme, Dagster as a PNG inside Markdown.
"""

import base64
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from threading import Thread
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import vl_convert
from markupsafe import Markup
from PIL import Image

from video_assets.wording import full_day

Spec = dict[str, Any]

WIDTH = 520
HEIGHT = 155
FONT_SIZE = 12
SMALL_FONT = FONT_SIZE - 1

_BAND = 46
_BAR = 14
_ROOM_FOR_VALUES = 1.45
_SHADES = 32

_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_SVG = "{http://www.w3.org/2000/svg}"
_GEOMETRY = {"d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height"}
_FOR_THE_RENDERER = {"version", "font-family", "pointer-events", "aria-hidden", "class", "role"}


@dataclass(frozen=True)
class Palette:
    """Colours by what they stand for."""

    page: str
    card: str
    line: str
    ink: str
    soft: str
    main: str
    second: str
    good: str
    warn: str


LIGHT = Palette(
    page="#f3f5f8",
    card="#ffffff",
    line="#dfe4ea",
    ink="#1b2430",
    soft="#55606e",
    main="#0067a5",
    second="#8a3fa8",
    good="#1a7340",
    warn="#b84700",
)
DARK = Palette(
    page="#0f141a",
    card="#182028",
    line="#35404c",
    ink="#e8edf2",
    soft="#a9b4c0",
    main="#5bb4ee",
    second="#d59bf0",
    good="#5fcf8f",
    warn="#f59b4b",
)
# Names that CSS resolves, so that one picture follows the reader's theme.
INK, SOFT, LINE, CARD, MAIN, SECOND, WARN = (
    f"var(--{name})" for name in ("ink", "soft", "line", "card", "main", "second", "warn")
)

_CONFIG = {
    "background": CARD,
    "padding": 2,
    "view": {"stroke": None},
    "title": {"color": INK, "fontSize": FONT_SIZE + 1, "anchor": "start", "offset": 8},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": LINE,
        "labelAngle": 0,
        "labelPadding": 6,
        "labelColor": SOFT,
        "labelFontSize": SMALL_FONT,
        "titleColor": SOFT,
        "titleFontSize": SMALL_FONT,
        "titleFontWeight": "normal",
        # Upright, above the axis: read without turning the head, and never over the labels.
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "end",
        "titleBaseline": "bottom",
        "titleX": 0,
        "titleY": -8,
    },
}


class DayBar(NamedTuple):
    """A day's bar, and what is said of it when one points at it."""

    day: date
    value: float
    detail: str = ""


class NamedBar(NamedTuple):
    """A named bar with the value written beside it."""

    name: str
    value: float
    shown: str


def bars_by_day(bars: Sequence[DayBar], unit: str, limit: float | None = None) -> Spec:
    """A bar a day; a day between others that is not there has none, one above the limit warns.

    Args:
        bars: ascending by day.
        unit: what the values are.
        limit: where a dashed line is, if anywhere.
    """
    span = (bars[-1].day - bars[0].day).days + 1 if bars else 0
    calendar = [full_day(bars[0].day + timedelta(days=n)) for n in range(span)]
    is_one_year = bool(bars) and bars[0].day.year == bars[-1].day.year
    label = (
        "datum.index ? slice(datum.label, 0, -5) : datum.label" if is_one_year else "datum.label"
    )
    names = [full_day(bar.day) for bar in bars]
    highest = math.inf if limit is None else limit
    rows = [
        {
            "day": name,
            "value": bar.value,
            "detail": f"{name}: {bar.detail}",
            "color": WARN if bar.value > highest else MAIN,
        }
        for name, bar in zip(names, bars, strict=True)
    ]
    days = {
        "field": "day",
        "type": "nominal",
        "title": None,
        "scale": {"domain": calendar, "paddingInner": 0.2, "paddingOuter": 0.1},
        "axis": {"labelExpr": label, "labelOverlap": True, "labelSeparation": 12},
    }
    layer = {
        "data": {"values": rows},
        "mark": "bar",
        "encoding": {
            "x": days,
            "y": amount("value", unit),
            "color": {"field": "color", "type": "nominal", "scale": None},
            "description": {"field": "detail"},
        },
    }
    return {"height": HEIGHT, "layer": [layer, *_limit(limit)]}


def _limit(limit: float | None) -> list[Spec]:
    if limit is None:
        return []
    data = {"values": [{"limit": limit, "label": f"limit {limit:g} %"}]}
    y = {"field": "limit", "type": "quantitative"}
    rule = {"type": "rule", "aria": False, "color": SOFT, "strokeDash": [5, 4]}
    label = text_mark(color=SOFT, align="right", baseline="bottom", dy=-3, fontSize=SMALL_FONT)
    place = {"x": {"value": "width"}, "y": y, "text": {"field": "label"}}
    return [
        {"data": data, "mark": {**rule, "strokeWidth": 1.5}, "encoding": {"y": y}},
        {"data": data, "mark": {**label, "aria": False}, "encoding": place},
    ]


def named_bars(bars: Sequence[NamedBar], longest: float | None = None) -> Spec:
    """A bar for each name, with the name above it, so that long titles fit on a phone.

    Args:
        bars: from top to bottom.
        longest: value of the longest possible bar; None: the largest of the values.
    """
    rows = [
        {"place": place, **bar._asdict(), "detail": f"{bar.name}: {bar.shown}"}
        for place, bar in enumerate(bars)
    ]
    highest = longest or max((bar.value for bar in bars), default=0.0)
    scale = {"domain": [0, highest * _ROOM_FOR_VALUES or 1], "nice": False}
    x = {"field": "value", "type": "quantitative", "axis": None, "scale": scale}
    bar = {"type": "bar", "color": MAIN, "size": _BAR, "yOffset": _BAR / 2 + 1}
    name = text_mark(color=INK, baseline="bottom", dy=-2, limit={"expr": "width"})
    shown = text_mark(color=SOFT, dx=6, dy=_BAR / 2 + 1)
    return {
        "height": _BAND * max(1, len(rows)),
        "data": {"values": rows},
        "encoding": {
            "y": {"field": "place", "type": "ordinal", "axis": None, "scale": {"padding": 0}},
            "description": {"field": "detail"},
        },
        "layer": [
            {"mark": bar, "encoding": {"x": x}},
            {"mark": name, "encoding": {"x": {"value": 0}, "text": {"field": "name"}}},
            {"mark": shown, "encoding": {"x": x, "text": {"field": "shown"}}},
        ],
    }


def amount(field: str, unit: str, **options: Any) -> Spec:
    """The encoding of a number by height."""
    axis = {"tickCount": 4}
    return {"field": field, "type": "quantitative", "title": unit, "axis": axis, **options}


def text_mark(**look: Any) -> Spec:
    """A mark that writes, from its place to the right."""
    return {"type": "text", "align": "left", "fontSize": FONT_SIZE, **look}


@cache
def get_ready_to_draw() -> None:
    """Start the renderer, which takes half a second, beside what the caller does next."""
    Thread(target=vl_convert.vegalite_to_svg, args=({"mark": "bar"},)).start()


def bars_per_day(values: Mapping[date, float], title: str, unit: str) -> str:
    """A bar a day as a Markdown picture; the title alone where there is nothing to draw.

    Args:
        values: a value a day; days that are not there have no bar.
        title: what is shown.
        unit: what the values are.
    """
    bars = [DayBar(day, values[day]) for day in sorted(values)]
    return as_markdown(bars_by_day(bars, unit), title) if bars else _nothing(title)


def bars_per_name(values: Mapping[str, float], title: str, unit: str) -> str:
    """A bar a name, in their order, with the value; the title alone where there is none.

    Args:
        values: a value a name.
        title: what is shown.
        unit: what the values are.
    """
    bars = [NamedBar(name, value, f"{value:,} {unit}") for name, value in values.items()]
    return as_markdown(named_bars(bars), title) if bars else _nothing(title)


def _nothing(title: str) -> str:
    return f"{title}: nothing to show"


def as_markdown(spec: Spec, title: str) -> str:
    """The chart in light colours as a Markdown picture whose text alternative is the title."""
    svg = _drawn({"title": title, **spec}, WIDTH)
    for name, color in asdict(LIGHT).items():
        svg = svg.replace(f"var(--{name})", color)
    png = _compressed(vl_convert.svg_to_png(svg))
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _compressed(png: bytes) -> bytes:
    """The same picture in a tenth of the bytes: every materialization keeps its own."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(_SHADES).save(small, "PNG", optimize=True)
    return small.getvalue()


def as_svg(spec: Spec, width: int, title: str, classes: str) -> Markup:
    """The chart as an `svg` element for HTML, in colours of the page's style sheet.

    What a mark's encoding `description` says becomes its tooltip.

    Args:
        spec: of the chart.
        width: in pixels, without a margin of two.
        title: what the picture shows, for those who do not see it.
        classes: CSS classes of the element.
    """
    # The renderer's own output, in which it has escaped every text.
    root = ET.fromstring(_drawn(spec, width))  # noqa: S314 (as above)
    _prune(root)
    for element in root.iter():
        _simplify(element)
    size = {name: root.attrib[name] for name in ("viewBox", "width", "height")}
    root.attrib = {"class": classes, "role": "img", "aria-label": title, **size}
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 (as above)


def _drawn(spec: Spec, width: int) -> str:
    fitted = {"width": width, "autosize": "fit-x", **spec}
    return vl_convert.vegalite_to_svg(fitted, config=_CONFIG)


def _prune(element: ET.Element) -> None:
    """Drop what is never visible, and groups that hold nothing else."""
    for child in list(element):
        _prune(child)
        is_empty_group = child.tag == f"{_SVG}g" and not len(child)
        if is_empty_group or _is_invisible(child):
            element.remove(child)


def _is_invisible(element: ET.Element) -> bool:
    found = element.attrib
    is_hidden = found.get("opacity") == "0" or found.get("display") == "none"
    is_unpainted = found.get("class") == "background" and not {"fill", "stroke"} & found.keys()
    return is_hidden or is_unpainted


def _simplify(element: ET.Element) -> None:
    """Shorten numbers, and say as tooltip what only the renderer's attributes say."""
    element.tag = element.tag.removeprefix(_SVG)
    described = element.attrib.get("role") == "graphics-symbol" and element.tag != "g"
    if described and (tooltip := element.attrib.get("aria-label")):
        ET.SubElement(element, "title").text = tooltip
    element.attrib = {
        name: _LONG_NUMBER.sub(_rounded, value) if name in _GEOMETRY else value
        for name, value in element.attrib.items()
        if not (name in _FOR_THE_RENDERER or name.startswith("aria-"))
        and (name, value) != ("opacity", "1")
    }


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
