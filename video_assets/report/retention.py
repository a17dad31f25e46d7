"""The chart of a video's position curve: where its viewers are, and what they watch again."""

import json
from typing import Any

from video_assets.plots import CARD, MAIN, SECOND, SMALL_FONT, SOFT, Spec, amount, text_mark
from video_assets.report.facts import Curve, Stretch, Video
from video_assets.wording import clock, count

_HEIGHT = 165
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_POSITIONS_NAMED = 5
_PEAKS_NAMED = 2
_WHOLE = 100.0
_UNIT = "per 100 viewers"


def retention_curve(curve: Curve) -> Spec:
    """Viewers of each position and how often it is watched again, per 100 viewers of the video."""
    video = curve.video
    rows = [_row(stretch, video) for stretch in curve.stretches]
    names = {f"{position:g}": clock(position) for position in _positions_named(video.duration)}
    x = {
        "field": "position",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, video.duration], "nice": False},
        "axis": {
            "grid": False,
            "values": [float(position) for position in names],
            "labelExpr": f"{json.dumps(names)}[datum.value]",
        },
    }
    # The same height for all videos, so that they can be compared.
    scale = {"domain": [0, max(_WHOLE, *(row["rewatches"] for row in rows))]}
    line = {"color": MAIN, "strokeWidth": 2}
    area = {"type": "area", "aria": False, "color": MAIN, "fillOpacity": 0.22, "line": line}
    dashes = {"type": "line", "aria": False, "color": SECOND, "strokeDash": [6, 3]}
    viewers = amount("viewers", _UNIT, scale=scale)
    return {
        "height": _HEIGHT,
        "data": {"values": rows},
        "encoding": {"x": x},
        "layer": [
            {"mark": area, "encoding": {"y": viewers}},
            {"mark": {**dashes, "strokeWidth": 2}, "encoding": {"y": amount("rewatches", _UNIT)}},
            *_chapter_bounds(curve),
            *_drop_off(video),
            *_peaks(curve),
        ],
    }


def _row(stretch: Stretch, video: Video) -> dict[str, Any]:
    per_100 = _WHOLE / max(1, video.viewers)
    return {
        "position": min((stretch.start + stretch.end) / 2, video.duration),
        "viewers": round(per_100 * stretch.viewers, 2),
        "rewatches": round(per_100 * stretch.rewatches, 2),
    }


def _positions_named(duration: float) -> list[float]:
    fitting = (step for step in _STEPS if duration / step <= _POSITIONS_NAMED)
    step = next(fitting, duration / _POSITIONS_NAMED)
    return [number * step for number in range(int(duration / step) + 1)]


def _chapter_bounds(curve: Curve) -> list[Spec]:
    starts = [c.start for c in curve.chapters if 0 < c.start < curve.video.duration]
    if not starts:
        return []
    rule = {"type": "rule", "aria": False, "color": SOFT, "opacity": 0.6}
    return [{"data": {"values": [{"position": start} for start in starts]}, "mark": rule}]


def _drop_off(video: Video) -> list[Spec]:
    if video.drop_off is None or not 0 <= video.drop_off <= video.duration:
        return []
    label = f"half of leavers gone: {clock(video.drop_off)}"
    data = {"values": [{"position": video.drop_off, "label": label}]}
    is_late = video.drop_off > video.duration / 2
    side: Spec = {"align": "right", "dx": -5} if is_late else {"dx": 5}
    text = text_mark(aria=False, color=SOFT, fontSize=SMALL_FONT, baseline="top", dy=2, **side)
    rule = {"type": "rule", "aria": False, "color": SOFT, "strokeDash": [2, 3]}
    return [
        {"data": data, "mark": rule},
        {"data": data, "mark": text, "encoding": {"y": {"value": 0}, "text": {"field": "label"}}},
    ]


def _peaks(curve: Curve) -> list[Spec]:
    rows = [_peak_row(peak, curve) for peak in curve.rewatch_peaks[:_PEAKS_NAMED]]
    if not rows:
        return []
    triangle = {"type": "point", "shape": "triangle-up", "filled": True, "size": 70, "opacity": 1}
    label = text_mark(align="center", dy=-20, fontWeight="bold", color=SECOND)
    # A border in the card's colour keeps a label readable where it lies on a curve.
    border = {**label, "color": CARD, "stroke": CARD, "strokeWidth": 4, "strokeJoin": "round"}
    text = {"text": {"field": "label"}}
    marks = {
        "data": {"values": rows},
        "encoding": {"y": amount("rewatches", _UNIT), "description": {"field": "detail"}},
        "layer": [
            {"mark": {**triangle, "color": SECOND, "yOffset": -8}},
            {"mark": border, "encoding": text},
            {"mark": label, "encoding": text},
        ],
    }
    return [marks]


def _peak_row(peak: Stretch, curve: Curve) -> dict[str, Any]:
    at = clock(peak.start)
    detail = f"{curve.place(peak)}: watched again {count(peak.rewatches, 'time')}"
    return {**_row(peak, curve.video), "label": at, "detail": detail}
