"""The page, which runs no script, and the list of all videos beside it; neither needs a network."""

import base64
import hashlib
from dataclasses import asdict

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from video_assets import wording
from video_assets.plots import DARK, LIGHT
from video_assets.report import comparisons, counted, figures, takeaways
from video_assets.report.data import DAYS_SHOWN, MIN_VIEWERS
from video_assets.report.facts import Report

PAGE_FILE = "index.html"
LIST_FILE = "videos.html"

_SCRIPT = "videos.js"
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
        wording.name,
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
        list_file=LIST_FILE,
        days_shown=DAYS_SHOWN,
        min_viewers=MIN_VIEWERS,
        audience=takeaways.audience(report.trends),
        held=takeaways.held(report.best_held, report.worst_held, MIN_VIEWERS),
        leaving=takeaways.leaving(report.curves),
        power_users=takeaways.power_users(report.audience),
        trust=takeaways.trust(report),
        verdicts=takeaways.verdicts(report),
        comparisons=comparisons,
        counted=counted,
    )


def video_list(report: Report) -> str:
    """All videos as one HTML document; its own script alone may run in it."""
    script = _TEMPLATES.get_template(_SCRIPT).render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _TEMPLATES.get_template(LIST_FILE).render(
        report=report,
        columns=figures.LIST_COLUMNS,
        row=figures.list_row,
        light=asdict(LIGHT),
        dark=asdict(DARK),
        page_file=PAGE_FILE,
        # A file of this package, in which nothing is of the data.
        script=Markup(script),  # noqa: S704 (as above)
        script_hash=f"sha256-{digest}",
    )
