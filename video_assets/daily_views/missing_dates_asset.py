"""`missing_dates` and `missing_date`: one computation, as arrays and as rows."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from resources.delta.stage import Emission, StagedTable, stage
from resources.engine.session import SparkEngine
from video_assets.catalog import DAILY_VIEWS, asset_key, column_lineage, declared
from video_assets.daily_views import missing_dates as frames
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MISSING_DATE, MISSING_DATES
from video_assets.plots import bars_per_day
from video_assets.settings import Settings

ARRAYS, ROWS = MISSING_DATES.name, MISSING_DATE.name
DAYS_COLUMN = "missing_dates"
NO_DAY = "unknown: there are no daily views"


def missing_dates_asset() -> dg.AssetsDefinition:
    """The assets `video/missing_dates` and `video/missing_date`."""

    @dg.multi_asset(
        name="missing_days",
        pool=MISSING_DATES.name,
        outs={
            ARRAYS: dg.AssetOut(
                **declared(MISSING_DATES, DAILY_VIEWS),
                description="Each video that misses at least one day, with the days it misses "
                "from its upload to the as-of date (`VIDEO_ASSETS_AS_OF_DATE`, else the newest "
                "day of all). A video uploaded after the as-of date misses nothing; of several "
                "upload days the earliest counts.",
            ),
            ROWS: dg.AssetOut(
                **declared(MISSING_DATE, DAILY_VIEWS),
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
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def missing_days(
        context: dg.AssetExecutionContext,
        daily_video_views: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> Iterator[dg.Output[StagedTable]]:
        as_of = settings.as_of_date or frames.newest_date(daily_video_views)
        missing = frames.missing_dates(daily_video_views, as_of)
        tables = {ARRAYS: MISSING_DATES, ROWS: MISSING_DATE}
        everything = dict.fromkeys(tables)
        staged = stage(missing, settings.warehouse, tables, _both_forms, everything)
        summary = _summary(spark.spark_session, staged[ARRAYS], as_of)
        context.log.info(
            "%d days of %d videos are missing, as of %s",
            summary["dates"],
            summary["videos"],
            summary["as_of_date"],
        )
        for name, table in tables.items():
            metadata = {**summary, **column_lineage(table)}
            yield dg.Output(staged[name], output_name=name, metadata=metadata)

    return missing_days


def _both_forms(batches: Iterator[pa.RecordBatch]) -> Iterator[Emission]:
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        yield Emission(ARRAYS, rows)
        yield Emission(ROWS, _one_row_a_day(rows))


def _one_row_a_day(rows: pa.Table) -> pa.Table:
    days: Any = rows[DAYS_COLUMN].combine_chunks()
    of_video = rows.drop_columns([DAYS_COLUMN]).take(days.value_parent_indices())
    return of_video.append_column("missing_date", days.flatten())


def _summary(session: SparkSession, staged: StagedTable, as_of: date | None) -> dict[str, Any]:
    """What is missing, told by the files that were just written rather than computed again."""
    shown: dict[str, Any] = {"as_of_date": str(as_of or NO_DAY)}
    shown |= {"videos": 0, "dates": 0, "longest_gap": 0}
    if not staged.files:
        return shown
    missing = session.read.parquet(*staged.file_locations)
    totals = frames.missing_summary(missing).first()
    per_day = {row["date"]: row["videos"] for row in frames.missing_per_day(missing).collect()}
    plot = bars_per_day(per_day, "Videos without a row, by day", "videos")
    if totals is not None:
        shown |= {"videos": totals["videos"], "dates": totals["dates"]}
        shown |= {"longest_gap": totals["longestGap"]}
    return {**shown, "missing_by_day": dg.MetadataValue.md(plot)}
