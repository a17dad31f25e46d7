"""`report/engagement_report`: the page that people look at."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from resources.storage import provider
from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    DIMENSION_DAILY,
    EXPERIMENT_RESULTS,
    USER_ENGAGEMENT,
    VIDEO_DAILY,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
)
from video_assets.catalog import ANALYTICS, OWNERS, asset_key
from video_assets.daily_views.tables import MISSING_DATE
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.ingestion import clear_source_errors
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.plots import as_markdown, bars_per_day
from video_assets.report.addresses import PAGE_FILE, report_folder, report_location
from video_assets.settings import Settings

if TYPE_CHECKING:
    from video_assets.report.facts import Report

KEY = dg.AssetKey(["report", "engagement_report"])

# Of chapters that cannot be read the log names so many.
_NAMED = 20
_READ = (
    ENGAGEMENT,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
    USER_ENGAGEMENT,
    MISSING_DATE,
    EXPERIMENT_RESULTS,
    COMPLETION_FORECAST,
)
_READ_BY_DAY = (SESSIONS, RAW_EVENTS, REJECTED_EVENTS, DIMENSION_DAILY, VIDEO_DAILY)


def engagement_report_asset() -> dg.AssetsDefinition:
    """The asset `report/engagement_report`, which is a page and no table."""

    @dg.asset(
        key=KEY,
        group_name=ANALYTICS,
        owners=OWNERS,
        kinds={"pyspark", "html"},
        pool=KEY.path[-1],
        description="One HTML page for people: which videos hold viewers, where they leave, who "
        "the power users are, whether the data can be trusted today. It needs no network and no "
        "server: open it in a browser, mail it, print it. It lies below the warehouse, at "
        "`report/index.html`, beside it lists of videos by period and by what is known of "
        "sessions, and a page a video. What it "
        "says about daily views appears once there are any.",
        deps=[
            *(dg.AssetDep(asset_key(table)) for table in _READ),
            *(
                dg.AssetDep(asset_key(table), partition_mapping=dg.AllPartitionMapping())
                for table in _READ_BY_DAY
            ),
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    @retries_passing_faults
    def engagement_report(
        context: dg.AssetExecutionContext,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> dg.MaterializeResult[Any]:
        # Every command loads this module, and only this step makes the page.
        from video_assets.report.build import build_report  # noqa: PLC0415
        from video_assets.report.files import report_files, write_files  # noqa: PLC0415

        with clear_source_errors():
            built = build_report(spark.spark_session, settings, datetime.now(UTC))
        for refused in built.refused_chapters[:_NAMED]:
            context.log.warning("%s", refused)
        files = report_files(built.report, built.details, built.lists)
        sizes = write_files(report_folder(settings.warehouse), files)
        location = report_location(settings.warehouse)
        context.log.info("the report is at %s", location)
        unread = {"unreadable_chapters": len(built.refused_chapters)}
        found = _metadata(built.report, location, sizes)
        return dg.MaterializeResult(metadata=found | (unread if settings.video_chapters else {}))

    return engagement_report


def _metadata(report: "Report", location: str, sizes: Mapping[str, int]) -> dict[str, Any]:
    from video_assets.report.data import MIN_VIEWERS  # noqa: PLC0415 (as above)
    from video_assets.report.takeaways import held, leaving, power_users, trust  # noqa: PLC0415

    totals = report.totals
    is_local = provider(location) == "local"
    link = dg.MetadataValue.path(location) if is_local else dg.MetadataValue.url(location)
    hours = {day.day: day.hours for day in report.days}
    return {
        "report": link,
        "page_bytes": sizes[PAGE_FILE],
        "bytes_with_the_pages_of_videos": sum(sizes.values()),
        "viewers": totals.viewers,
        "videos": totals.videos,
        "watch_hours": round(totals.watch_hours, 2),
        "completion_rate": round(totals.completion_rate, 2),
        "flagged_rate": round(totals.flagged_rate, 2),
        "which_videos_hold_people": held(report.best_held, report.worst_held, MIN_VIEWERS),
        "where_they_leave": leaving(report.curves),
        "power_users": power_users(report.audience),
        "trust": trust(report),
        "watch_time": dg.MetadataValue.md(bars_per_day(hours, "Watch time per day", "hours")),
        **_retention(report),
    }


def _retention(report: "Report") -> dict[str, Any]:
    from video_assets.report.retention import retention_curve  # noqa: PLC0415 (as above)

    if not report.curves:
        return {}
    chart = retention_curve(report.curves[0])
    picture = as_markdown(chart, "Retention of the most watched video")
    return {"retention": dg.MetadataValue.md(picture)}
