"""Small pictures for people who would rather look than read, as PNG inside Markdown."""

import base64
import io
from collections.abc import Mapping
from datetime import date

import altair as alt
import vl_convert
from PIL import Image

WIDTH = 520
HEIGHT = 160
# Blue that stands out on a light and on a dark page, and for readers who see no red or green.
COLOR = "#3b82c4"


def bars_per_day(values: Mapping[date, float], title: str, unit: str) -> str:
    """A bar a day as a Markdown picture; the title alone where there is nothing to draw.

    Args:
        values: a value a day; days that are not there have no bar.
        title: what is shown.
        unit: what the values are.
    """
    if not values:
        return f"{title}: nothing to show"
    rows = [{"day": day.isoformat(), "value": values[day]} for day in sorted(values)]
    chart = (
        alt.Chart(alt.InlineData(values=rows), title=title, width=WIDTH, height=HEIGHT)
        .mark_bar(color=COLOR)
        .encode(
            x=alt.X("utcyearmonthdate(day):T", title=None),
            y=alt.Y("value:Q", title=unit),
        )
    )
    return _markdown(chart, title)


def _markdown(chart: alt.Chart, title: str) -> str:
    png = _compressed(vl_convert.vegalite_to_png(chart.to_json(), scale=1))
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _compressed(png: bytes) -> bytes:
    """The same picture in a tenth of the bytes: every materialization keeps its own."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.save(small, "PNG", optimize=True)
    return small.getvalue()
