"""The report's charts: figures in, charts out, at the width of a phone or of a column."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt

from video_assets.report import wording
from video_assets.report.facts import Curve, Stretch, Video

NARROW = 310
WIDE = 480

_FONT_SIZE = 12
_CURVE_HEIGHT = 200
_BAR_BAND = 46
_BAR = 14
_ROOM_FOR_VALUES = 1.45
_PIXELS_A_DAY_LABEL = 62
_AXIS_WIDTH = 34
_ABOVE_THE_AXIS = -8
_POSITION_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_POSITION_LABELS = 5
_PEAKS_LABELLED = 2
_WHOLE = 100.0
_CLOCK = (
    "(datum.value >= 3600 ? floor(datum.value / 3600) + ':' + "
    "pad(floor(datum.value / 60) % 60, 2, '0', 'left') : floor(datum.value / 60)) "
    "+ ':' + pad(floor(datum.value) % 60, 2, '0', 'left')"
)

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Palette:
    """Colours by what they stand for."""

    ink: str
    soft: str
    line: str
    card: str
    main: str
    second: str


THEMED = Palette(*(f"var(--{name})" for name in ("ink", "soft", "line", "card", "main", "second")))
LIGHT = Palette("#1b2430", "#55606e", "#dfe4ea", "#ffffff", "#0067a5", "#b84700")
DARK = Palette("#e8edf2", "#a9b4c0", "#35404c", "#182028", "#5bb4ee", "#f59b4b")


@dataclass(frozen=True)
class DayAxis:
    """What the heights of a day's bars are; height of the chart in pixels."""

    unit: str
    limit: float | None = None
    height: int = 190


@dataclass(frozen=True)
class DayValue:
    """A day's bar, and what its tooltip says."""

    day: date
    value: float
    told: str


@dataclass(frozen=True)
class NamedValue:
    """A named bar with the value written beside it."""

    name: str
    value: float
    shown: str
    is_second: bool = False


def bars_by_day(values: Sequence[DayValue], axis: DayAxis, width: int) -> alt.LayerChart:
    """A bar a day; a dashed line where a limit is.

    Args:
        values: ascending by day.
        axis: what the bars' heights are.
        width: in pixels.
    """
    rows = [{"day": wording.full_day(v.day), "value": v.value, "told": v.told} for v in values]
    step = max(1, -(-len(values) * _PIXELS_A_DAY_LABEL // width))
    labels = [row["day"] for row in rows[::step]]
    bars = (
        alt.Chart(_inline(rows))
        .mark_bar(color=THEMED.main)
        .encode(
            x=alt.X(
                "day:N",
                sort=None,
                title=None,
                scale=alt.Scale(paddingInner=0.2, paddingOuter=0.1),
                # Without the year, which the page's head names.
                axis=_axis(values=labels, labelExpr="slice(datum.label, 0, -5)", grid=False),
            ),
            y=alt.Y("value:Q", title=axis.unit, axis=_axis(tickCount=4)),
            description=alt.Description("told:N"),
        )
    )
    layers = [bars] if axis.limit is None else [bars, *_limit(axis.limit, width)]
    return _finished(_layered(layers), width, axis.height, THEMED)


def _limit(limit: float, width: int) -> list[alt.Chart]:
    base = alt.Chart(_inline([{"limit": limit, "label": f"limit {limit:g} %"}])).encode(y="limit:Q")
    rule = base.mark_rule(aria=False, color=THEMED.second, strokeDash=[5, 4], strokeWidth=1.5)
    label = base.mark_text(
        aria=False,
        align="right",
        baseline="bottom",
        dy=-3,
        color=THEMED.second,
        fontSize=_FONT_SIZE - 1,
    )
    # Left of the frame's edge, which the axis moves to the right.
    return [rule, label.encode(x=alt.value(width - _AXIS_WIDTH), text="label:N")]


def named_bars(
    values: Sequence[NamedValue],
    width: int,
    longest: float | None = None,
) -> alt.LayerChart:
    """A bar for each name, with the name above it, so that long titles fit on a phone.

    Args:
        values: from top to bottom.
        width: in pixels.
        longest: value of the longest possible bar; None: the largest of the values.
    """
    rows = [
        {
            "place": place,
            "name": value.name,
            "value": value.value,
            "shown": value.shown,
            "told": f"{value.name}: {value.shown}",
            "color": THEMED.second if value.is_second else THEMED.main,
        }
        for place, value in enumerate(values)
    ]
    highest = longest or max((value.value for value in values), default=0.0)
    x = alt.X(
        "value:Q",
        axis=None,
        scale=alt.Scale(domain=[0, highest * _ROOM_FOR_VALUES or 1], nice=False),
    )
    y = alt.Y("place:O", axis=None, scale=alt.Scale(padding=0))
    base = alt.Chart(_inline(rows)).encode(y=y, description=alt.Description("told:N"))
    bars = base.mark_bar(size=_BAR, yOffset=_BAR / 2 + 1).encode(
        x=x, color=alt.Color("color:N", scale=None)
    )
    names = base.mark_text(
        align="left", baseline="bottom", dy=-2, limit=width, color=THEMED.ink, fontSize=_FONT_SIZE
    ).encode(x=alt.value(0), text="name:N")
    shown = base.mark_text(
        align="left", dx=6, dy=_BAR / 2 + 1, color=THEMED.soft, fontSize=_FONT_SIZE
    ).encode(x=x, text="shown:N")
    return _finished(_layered([bars, names, shown]), width, _BAR_BAND * max(1, len(rows)), THEMED)


def retention_curve(curve: Curve, width: int, palette: Palette = THEMED) -> alt.LayerChart:
    """Viewers of each position and how often it is watched again, per 100 viewers of the video."""
    x = alt.X(
        "position:Q",
        title=None,
        scale=alt.Scale(domain=[0, curve.video.duration], nice=False),
        axis=_axis(values=_position_ticks(curve.video.duration), labelExpr=_CLOCK, grid=False),
    )
    rows = [_curve_row(stretch, curve.video) for stretch in curve.stretches]
    base = alt.Chart(_inline(rows)).encode(x=x)
    viewers = base.mark_area(
        aria=False,
        color=palette.main,
        fillOpacity=0.22,
        line={"color": palette.main, "strokeWidth": 2},
    ).encode(
        y=alt.Y(
            "viewers:Q",
            title="per 100 viewers",
            # The same height for all videos, so that they can be compared.
            scale=alt.Scale(domain=[0, max(_WHOLE, *(row["rewatches"] for row in rows))]),
            axis=_axis(tickCount=4),
        )
    )
    rewatches = base.mark_line(
        aria=False, color=palette.second, strokeWidth=2, strokeDash=[6, 3], clip=False
    ).encode(y="rewatches:Q")
    layers = [viewers, rewatches, *_drop_off(curve.video, palette), *_peaks(curve, palette)]
    return _finished(_layered(layers), width, _CURVE_HEIGHT, palette)


def _curve_row(stretch: Stretch, video: Video) -> dict[str, Any]:
    return {
        "position": min((stretch.start + stretch.end) / 2, video.duration),
        "viewers": _per_100(stretch.viewers, video),
        "rewatches": _per_100(stretch.rewatches, video),
    }


def _per_100(number: int, video: Video) -> float:
    return round(_WHOLE * number / max(1, video.viewers), 2)


def _drop_off(video: Video, palette: Palette) -> list[alt.Chart]:
    if video.drop_off is None or not 0 <= video.drop_off <= video.duration:
        return []
    is_late = video.drop_off > video.duration / 2
    label = f"half of leavers gone: {wording.clock(video.drop_off)}"
    data = _inline([{"position": video.drop_off, "label": label}])
    rule = (
        alt.Chart(data)
        .mark_rule(aria=False, color=palette.soft, strokeDash=[2, 3])
        .encode(x="position:Q")
    )
    text = (
        alt.Chart(data)
        .mark_text(
            aria=False,
            align="right" if is_late else "left",
            baseline="top",
            dx=-5 if is_late else 5,
            dy=2,
            color=palette.soft,
            fontSize=_FONT_SIZE - 1,
        )
        .encode(x="position:Q", y=alt.value(0), text="label:N")
    )
    return [rule, text]


def _peaks(curve: Curve, palette: Palette) -> list[alt.Chart]:
    peaks = curve.rewatch_peaks[:_PEAKS_LABELLED]
    if not peaks:
        return []
    rows = [_peak_row(peak, curve.video) for peak in peaks]
    base = alt.Chart(_inline(rows)).encode(
        x="position:Q", y="rewatches:Q", description=alt.Description("told:N")
    )
    points = base.mark_point(
        shape="triangle-up", filled=True, size=70, color=palette.second, opacity=1, yOffset=-8
    )
    # A border in the card's colour keeps a label readable where it lies on a curve.
    card = palette.card
    borders = _peak_labels(base, color=card, stroke=card, strokeWidth=4, strokeJoin="round")
    return [points, borders, _peak_labels(base, color=palette.second)]


def _peak_row(peak: Stretch, video: Video) -> dict[str, Any]:
    at = wording.clock(peak.start)
    told = f"{at}: watched again {wording.count(peak.rewatches, 'time')}"
    return {**_curve_row(peak, video), "label": at, "told": told}


def _peak_labels(base: alt.Chart, **look: Any) -> alt.Chart:
    labels = base.mark_text(dy=-20, fontWeight="bold", fontSize=_FONT_SIZE, **look)
    labelled: alt.Chart = labels.encode(text="label:N")
    return labelled


def _position_ticks(duration: float) -> list[float]:
    fitting = (step for step in _POSITION_STEPS if duration / step <= _POSITION_LABELS)
    step = next(fitting, duration / _POSITION_LABELS)
    return [number * step for number in range(int(duration / step) + 1)]


def _axis(**options: Any) -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelAngle=0, labelPadding=6, **options)


def _inline(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _layered(charts: Sequence[alt.Chart]) -> alt.LayerChart:
    return alt.LayerChart(layer=list(charts))


def _finished(chart: alt.LayerChart, width: int, height: int, palette: Palette) -> alt.LayerChart:
    text = {"labelColor": palette.soft, "titleColor": palette.soft}
    finished: alt.LayerChart = (
        chart.properties(
            width=width, height=height, autosize=alt.AutoSizeParams(type="fit", contains="padding")
        )
        .configure(background=palette.card, padding=2)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=palette.line,
            labelFontSize=_FONT_SIZE - 1,
            titleFontSize=_FONT_SIZE - 1,
            titleFontWeight="normal",
            # Upright, above the axis: read without turning the head, and never over the labels.
            titleAngle=0,
            titleAlign="left",
            titleAnchor="end",
            titleBaseline="bottom",
            titleX=0,
            titleY=_ABOVE_THE_AXIS,
            **text,
        )
    )
    return finished
