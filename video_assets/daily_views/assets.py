"""The assets of the group `daily_views`: views by day and month, and the days that are missing."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from pyspark.sql import DataFrame, SparkSession

from resources.delta.stage import StagedTable
from resources.delta.step_outputs import Written, writes_all_outputs
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from video_assets.catalog import (
    DAILY_VIEWS,
    DAYS_OF_THE_MONTH,
    asset_key,
    days_of,
    declared,
    declared_output,
    declared_step,
)
from video_assets.daily_views.missing_dates import (
    missing_per_day,
    missing_summary,
    newest_date,
)
from video_assets.daily_views.routes import GONE_VIDEOS
from video_assets.daily_views.stage_missing_dates import (
    ARRAYS,
    ROWS,
    expectation,
    stage_missing_dates,
)
from video_assets.daily_views.stage_months import stage_monthly_views
from video_assets.daily_views.stage_views import (
    REJECTED,
    VALID,
    daily_views_layout,
    stage_views,
)
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.days import last_of_month
from video_assets.days_found import DaysOfSource
from video_assets.plots import bars_per_day
from video_assets.refusals import Tolerance, without_refused_days
from video_assets.settings import Settings
from video_assets.written_days import Advice, rows_written

SOURCE_KEY = dg.AssetKey(["source", "daily_views"])
_ADVICE = Advice(
    DAILY_VIDEO_VIEWS,
    "have the days delivered, or map columns and notations (VIDEO_ASSETS_DAILY_VIEWS_...); "
    "refused rows are in rejected_daily_views, and VIDEO_ASSETS_MAX_REFUSED_SHARE=1 replaces their "
    "days all the same.",
    DAILY_VIDEO_VIEWS,
)
NO_DAY = "unknown: there are no daily views"

daily_views_source_spec = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=DAILY_VIEWS,
    description="View counts by video and day, as a data pull delivers them, at "
    "`VIDEO_ASSETS_DAILY_VIEWS`: views of the day, or running totals "
    "(`VIDEO_ASSETS_VIEW_COUNT_KIND`).",
)


def daily_video_views_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The assets `video/daily_video_views` and `video/rejected_daily_views`."""

    @dg.multi_asset(
        name="daily_views",
        **declared_step(DAILY_VIDEO_VIEWS),
        outs={
            VALID: dg.AssetOut(
                **declared_output(DAILY_VIDEO_VIEWS, DAILY_VIEWS),
                description="Views of each video by day. What several rows of a video and day mean "
                "is a setting (`VIDEO_ASSETS_DAILY_VIEWS_COMBINE`): they add up, or one of them "
                "holds; the others are counted as duplicates, and as conflicts where their count "
                "is another one. Negative views are corrections by the platform.",
            ),
            REJECTED: dg.AssetOut(
                **declared_output(REJECTED_DAILY_VIEWS, DAILY_VIEWS),
                description="Every source row of daily views that was refused: its text as "
                "received, the reason, and where it came from.",
            ),
        },
        deps=[SOURCE_KEY],
        partitions_def=daily,
    )
    @retries_passing_faults
    @writes_all_outputs
    def daily_views(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> Iterator[Written]:
        run, layout = days_of(context), daily_views_layout(settings)
        staged = without_refused_days(
            stage_views(spark, settings, run, context.log),
            VALID,
            REJECTED,
            DaysOfSource(spark, layout, run),
            Tolerance(settings.max_refused_share, settings.start_date),
        )
        _warn_of_absent_measures(staged.tables[VALID], settings, context.log)
        yield from rows_written(context, staged, VALID, REJECTED, _ADVICE)

    return daily_views


def _warn_of_absent_measures(
    valid: StagedTable, settings: Settings, log: dg.DagsterLogManager
) -> None:
    absent = [
        name for name in settings.view_measures if not valid.counters.get(f"rows_with_{name}")
    ]
    if valid.rows and absent:
        log.warning(
            "no row has a readable %s: see the names in VIDEO_ASSETS_DAILY_VIEWS_MEASURES",
            ", ".join(absent),
        )


def monthly_views_asset(monthly: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/monthly_views`."""

    @dg.asset(
        **declared(MONTHLY_VIEWS, DAILY_VIEWS),
        description="Views of each video by month. The current month is there too, as far as its "
        "days are, and marked `is_incomplete` in its metadata. Days without a known count do not "
        "count; a month without any is null.",
        ins={
            DAILY_VIDEO_VIEWS.name: dg.AssetIn(
                asset_key(DAILY_VIDEO_VIEWS), partition_mapping=DAYS_OF_THE_MONTH
            )
        },
        partitions_def=monthly,
    )
    @retries_passing_faults
    def monthly_views(
        context: dg.AssetExecutionContext,
        daily_video_views: DataFrame,  # noqa: ARG001 (its absence is told; tasks read its files)
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        stored = Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot()
        current_month = datetime.now(UTC).strftime("%Y-%m-01")
        for month in context.partition_keys:
            last = last_of_month(date.fromisoformat(month))
            is_open = month >= current_month or stored.is_unfinished(DAILY_VIDEO_VIEWS, last)
            is_incomplete = {"is_incomplete": is_open}
            context.add_asset_metadata(is_incomplete, partition_key=month)
        months = [date.fromisoformat(month) for month in context.partition_keys]
        return stage_monthly_views(stored, months, settings)

    return monthly_views


def missing_dates_asset() -> dg.AssetsDefinition:
    """The assets `video/missing_dates` and `video/missing_date`."""

    @dg.multi_asset(
        name="missing_days",
        **declared_step(MISSING_DATES),
        outs={
            ARRAYS: dg.AssetOut(
                **declared_output(MISSING_DATES, DAILY_VIEWS),
                description="Each video that misses at least one day, with the days it misses "
                "from its upload to the as-of date (`VIDEO_ASSETS_AS_OF_DATE`, else the newest "
                "day of all). Its upload is the earliest day that a row names, or its first day "
                "with a view. A video that no delivery names for `VIDEO_ASSETS_GONE_AFTER` days "
                "misses nothing after its last row. `VIDEO_ASSETS_NO_ROW_MEANS=zero` leaves only "
                "days without any file.",
            ),
            ROWS: dg.AssetOut(
                **declared_output(MISSING_DATE, DAILY_VIEWS),
                description="The same, one row per missing day.",
            ),
        },
        ins={
            DAILY_VIDEO_VIEWS.name: dg.AssetIn(
                asset_key(DAILY_VIDEO_VIEWS), partition_mapping=dg.AllPartitionMapping()
            )
        },
        internal_asset_deps={
            ARRAYS: {asset_key(DAILY_VIDEO_VIEWS)},
            ROWS: {asset_key(MISSING_DATES)},
        },
    )
    @retries_passing_faults
    @writes_all_outputs
    def missing_days(
        context: dg.AssetExecutionContext,
        daily_video_views: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[Written]:
        expected = expectation(settings, newest_date(daily_video_views))
        staged = stage_missing_dates(daily_video_views, expected, settings.warehouse)
        as_of = settings.as_of_date or expected.newest
        summary = _summary(spark.spark_session, staged[ARRAYS], as_of)
        context.log.info(
            "%d days of %d videos are missing, as of %s; %d videos are gone",
            summary["dates"],
            summary["videos"],
            summary["as_of_date"],
            summary[GONE_VIDEOS],
        )
        for name in (ARRAYS, ROWS):
            yield dg.Output(staged[name], output_name=name, metadata=summary)

    return missing_days


def _summary(session: SparkSession, staged: StagedTable, as_of: date | None) -> dict[str, Any]:
    """What is missing, told by the files that were just written rather than computed again."""
    shown: dict[str, Any] = {"as_of_date": str(as_of or NO_DAY)}
    shown |= {"videos": 0, "dates": 0, "longest_gap": 0}
    shown |= {GONE_VIDEOS: staged.counters.get(GONE_VIDEOS, 0)}
    if not staged.files:
        return shown
    missing = session.read.parquet(*staged.file_locations)
    totals = missing_summary(missing).first()
    per_day = {row["date"]: row["videos"] for row in missing_per_day(missing).collect()}
    plot = bars_per_day(per_day, "Videos without a row, by day", "videos")
    if totals is not None:
        shown |= {"videos": totals["videos"], "dates": totals["dates"]}
        shown |= {"longest_gap": totals["longestGap"]}
    return {**shown, "missing_by_day": dg.MetadataValue.md(plot)}
