"""The page: one HTML file that needs no network and runs no script."""

from dataclasses import asdict

from jinja2 import Environment, PackageLoader, StrictUndefined

from video_assets import wording
from video_assets.plots import DARK, LIGHT
from video_assets.report import figures, takeaways
from video_assets.report.data import DAYS_SHOWN, MIN_VIEWERS
from video_assets.report.facts import Report

_TEMPLATES = Environment(
    loader=PackageLoader("video_assets.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    read.__name__: read
    for read in (
        wording.count,
        wording.full_day,
        wording.hours,
        wording.moment,
        wording.percent,
        wording.short_day,
    )
}


def page(report: Report) -> str:
    """The whole report as one HTML document."""
    return _TEMPLATES.get_template("page.html").render(
        report=report,
        figures=figures,
        light=asdict(LIGHT),
        dark=asdict(DARK),
        days_shown=DAYS_SHOWN,
        min_viewers=MIN_VIEWERS,
        audience=takeaways.audience(report.trends),
        held=takeaways.held(report.best_held, report.worst_held, MIN_VIEWERS),
        leaving=takeaways.leaving(report.curves),
        power_users=takeaways.power_users(report.audience),
        trust=takeaways.trust(report),
        verdicts=takeaways.verdicts(report),
    )
