"""Small pictures for people who would rather look than read, as PNG inside Markdown."""

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import vl_convert
from PIL import Image

WIDTH = 520
HEIGHT = 160
BAR_HEIGHT = 20
# Blue that stands out on a light and on a dark page, and for readers who see no red or green.
COLOR = "#3b82c4"
_SHADES = 32
_DAYS_NAMED = 7


def bars_per_day(values: Mapping[date, float], title: str, unit: str) -> str:
    """A bar a day as a Markdown picture; the title alone where there is nothing to draw.

    Args:
        values: a value a day; days that are not there have no bar.
        title: what is shown.
        unit: what the values are.
    """
    ordered = sorted(values)
    rows = [{"day": day.isoformat(), "value": values[day]} for day in ordered]
    days = {
        "field": "day",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "axis": _day_axis(ordered) if ordered else None,
    }
    return _bars(rows, title, {"x": days, "y": _amount(unit)}, HEIGHT)


def bars_per_name(values: Mapping[str, float], title: str, unit: str) -> str:
    """A bar a name, in their order, with the value; the title alone where there is none.

    Args:
        values: a value a name.
        title: what is shown.
        unit: what the values are.
    """
    rows = [{"name": f"{name}: {value:,}", "value": value} for name, value in values.items()]
    names = {"field": "name", "type": "nominal", "sort": None, "title": None}
    labelled = {**names, "axis": {"labelLimit": WIDTH}}
    return _bars(rows, title, {"x": _amount(unit), "y": labelled}, BAR_HEIGHT * len(rows))


def _day_axis(days: Sequence[date]) -> dict[str, Any]:
    """Some days by name, each below its own bar, and never hours."""
    first, span = days[0], (days[-1] - days[0]).days + 1
    named = (first + timedelta(n) for n in range(0, span, -(-span // _DAYS_NAMED)))
    return {
        "values": [{"year": d.year, "month": d.month, "date": d.day, "utc": True} for d in named],
        "format": "%Y-%m-%d",
        "labelAlign": "left",
        "labelFlush": False,
    }


def _amount(unit: str) -> dict[str, Any]:
    return {"field": "value", "type": "quantitative", "title": unit}


def _bars(rows: list[dict[str, Any]], title: str, encoding: Mapping[str, Any], height: int) -> str:
    if not rows:
        return f"{title}: nothing to show"
    chart = {
        "title": title,
        "width": WIDTH,
        "height": height,
        "data": {"values": rows},
        "mark": {"type": "bar", "color": COLOR},
        "encoding": encoding,
    }
    return as_markdown(chart, title)


def as_markdown(chart: dict[str, Any], title: str) -> str:
    """A Vega-Lite chart as a Markdown picture whose text alternative is the title."""
    png = _compressed(vl_convert.vegalite_to_png(chart, scale=1))
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _compressed(png: bytes) -> bytes:
    """The same picture in a tenth of the bytes: every materialization keeps its own."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(_SHADES).save(small, "PNG", optimize=True)
    return small.getvalue()
