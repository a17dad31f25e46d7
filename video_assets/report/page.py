"""The page, which needs neither network nor script."""

from dataclasses import asdict

from video_assets.plots import DARK, LIGHT
from video_assets.report import comparisons, counted, figures, period_tiles, takeaways
from video_assets.report.addresses import LIST_FILE
from video_assets.report.data import MIN_VIEWERS
from video_assets.report.facts import Report
from video_assets.report.inputs import DAYS_SHOWN
from video_assets.report.rendering import TEMPLATES
from video_assets.report.video_charts import hours_by_day
from video_assets.report.video_list import Lists


def page(report: Report) -> str:
    """The whole report as one HTML document."""
    return TEMPLATES.get_template("page.html").render(
        report=report,
        figures=figures,
        light=asdict(LIGHT),
        dark=asdict(DARK),
        list_file=LIST_FILE,
        list_of=Lists(report).file_of,
        with_page={video.video_id for video in report.videos},
        hours_by_day=hours_by_day,
        days_shown=DAYS_SHOWN,
        min_viewers=MIN_VIEWERS,
        audience=takeaways.audience,
        period_tiles=period_tiles,
        held=takeaways.held(report.best_held, report.worst_held, MIN_VIEWERS),
        leaving=takeaways.leaving(report.curves),
        power_users=takeaways.power_users(report.audience),
        trust=takeaways.trust(report),
        verdicts=takeaways.verdicts(report),
        comparisons=comparisons,
        counted=counted,
    )
