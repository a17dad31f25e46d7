"""What Dagster shows of a forecast: whether there is one and why, its age and its calibration."""

from collections.abc import Sequence
from typing import Any

from video_assets.analytics.forecast_model import Evaluation
from video_assets.analytics.stage_forecast import Forecast
from video_assets.plots import LINE, MAIN, Spec, amount, as_markdown

_HEIGHT = 220


def forecast_metadata(made: Forecast) -> dict[str, Any]:
    """The metadata of a run; numbers, which the UI draws over time, only where there are some."""
    shown: dict[str, Any] = {"finding": made.finding}
    if made.newest is not None:
        shown["knows_sessions_until"] = str(made.newest)
    if found := made.evaluation:
        shown |= {
            "brier_score": found.model,
            "brier_score_of_the_video_s_rate": found.video,
            "brier_score_of_the_viewer_s_rate": found.viewer,
            "calibration_error": found.calibration_error,
            "cases_tried": found.cases,
        }
    return shown


def reliability(found: Evaluation) -> str:
    """The chart as a Markdown picture."""
    title = "Completed within 7 days, beside what was forecast"
    return as_markdown(reliability_chart(found.bins), title)


def reliability_chart(bins: Sequence[tuple[float, float, int]]) -> Spec:
    """A point a tenth of the cases; on the line, what was said is what happened."""
    values = [{"said": 100 * said, "was": 100 * was, "cases": n} for said, was, n in bins]
    top = max(1.0, *(max(value["said"], value["was"]) for value in values))
    scale = {"domain": [0, top]}
    said = amount("said", "forecast, %", scale=scale)
    was = amount("was", "completed, %", scale=scale)
    ends = [{"said": 0, "was": 0}, {"said": top, "was": top}]
    below = {**said["axis"], "titleY": 24, "titleBaseline": "top"}
    x = {**said, "axis": below}
    return {
        "height": _HEIGHT,
        "layer": [
            {
                "data": {"values": ends},
                "mark": {"type": "line", "color": LINE, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": was},
            },
            {
                "data": {"values": values},
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 60,
                    "color": MAIN,
                },
                "encoding": {"x": x, "y": was},
            },
        ],
    }
