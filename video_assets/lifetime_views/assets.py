"""The assets of the group `lifetime_views`: counts of today, and all that is known by day."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import dagster as dg
from pyspark.sql import DataFrame

from resources.delta.io_manager import MAY_BE_ABSENT, READ_AS_A_WHOLE
from resources.delta.stage import StagedTable
from resources.delta.step_outputs import materialized
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from resources.view_counts.resource import ViewCounts
from video_assets.catalog import (
    DAYS_THAT_ARE_THERE,
    LIFETIME_VIEWS,
    OF_NO_PARTITION,
    asset_key,
    days_of,
    declared,
)
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.lifetime_views import frames
from video_assets.lifetime_views.stage_snapshots import stage_snapshots, without_answer
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY
from video_assets.settings import Settings

SOURCE_KEY = dg.AssetKey(["source", "view_count_api"])
# Another policy than that of the history: in the same run, days that write nothing would skip it.
A_RANGE_IN_A_RUN_OF_ITS_OWN = dg.BackfillPolicy.multi_run(max_partitions_per_run=100_000)

view_count_api = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=LIFETIME_VIEWS,
    description="Who knows how often a video was watched since its upload: the YouTube Data API, "
    "or a simulator (`VIDEO_ASSETS_VIEW_COUNT_SOURCE`).",
)


def lifetime_snapshots_asset(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/lifetime_snapshots`."""

    @dg.asset(
        **declared(LIFETIME_SNAPSHOTS, LIFETIME_VIEWS, A_RANGE_IN_A_RUN_OF_ITS_OWN),
        description="How often each video was watched since its upload, as the API said on the "
        "day of the partition. Only today can be asked for: a past day keeps the snapshot that "
        "is there. Videos that the API does not know (deleted, private) have no row; the count "
        "of those that hide it is null.",
        ins={
            DAILY_VIDEO_VIEWS.name: dg.AssetIn(
                asset_key(DAILY_VIDEO_VIEWS),
                partition_mapping=OF_NO_PARTITION,
                metadata={READ_AS_A_WHOLE: True},
            )
        },
        deps=[SOURCE_KEY],
        partitions_def=days,
        output_required=False,
    )
    @retries_passing_faults
    def lifetime_snapshots(
        context: dg.AssetExecutionContext,
        daily_video_views: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
        view_counts: ViewCounts,
    ) -> Iterator[dg.MaterializeResult[StagedTable] | dg.AssetMaterialization]:
        run, today = days_of(context), _today()
        yield from _keep(context, settings, [day for day in run.days if day != today])
        if today not in run.days:
            return
        staged = stage_snapshots(daily_video_views, settings, view_counts.source(), today)
        unknown = without_answer(spark, daily_video_views, staged)
        if _today() != today:
            staged.discard()
            raise dg.Failure(f"Midnight (UTC) passed while asking: materialize {_today()} instead.")
        counts = {"videos_without_answer": dg.MetadataValue.json(unknown)}
        if len(run.days) == 1:
            yield dg.MaterializeResult(value=staged, metadata=counts)
        else:
            yield from materialized(staged, [str(today)], context.run.run_id, counts)

    return lifetime_snapshots


def lifetime_view_history_asset(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/lifetime_view_history`."""

    @dg.asset(
        **declared(LIFETIME_VIEW_HISTORY, LIFETIME_VIEWS),
        description="Views by day and lifetime snapshots in one table, told apart by `source`.",
        ins={
            table.name: dg.AssetIn(
                asset_key(table),
                partition_mapping=DAYS_THAT_ARE_THERE,
                metadata={MAY_BE_ABSENT: True},
            )
            for table in (DAILY_VIDEO_VIEWS, LIFETIME_SNAPSHOTS)
        },
        partitions_def=days,
    )
    @retries_passing_faults
    def lifetime_view_history(
        daily_video_views: DataFrame,
        lifetime_snapshots: DataFrame,
        settings: dg.ResourceParam[Settings],
    ) -> DataFrame:
        changes = settings.definition_change_days
        return frames.view_history(daily_video_views, lifetime_snapshots, changes)

    return lifetime_view_history


def _today() -> date:
    return datetime.now(UTC).date()


def _keep(
    context: dg.AssetExecutionContext, settings: Settings, past: Sequence[date]
) -> Iterator[dg.MaterializeResult[StagedTable] | dg.AssetMaterialization]:
    """Leave past days as they are: their counts can no longer be asked for."""
    if not past:
        return
    stored = Warehouse(settings.warehouse).rows_per_day(LIFETIME_SNAPSHOTS)
    for day in past:
        if rows := stored.get(day):
            context.log.info("%s is past: its snapshot of %d videos is kept", day, rows)
            yield _kept(context, day, rows)
    without = [day for day in past if not stored.get(day)]
    if without:
        days = f"{without[0]} has" if len(without) == 1 else f"{without[0]} to {without[-1]} have"
        context.log.warning(
            "%s no snapshot, and the API only answers for today (%s): nothing is written. "
            "Switch on the daily schedule, so that no day is missed. Dagster skips what this run "
            "computes from it: materialize lifetime_view_history of that day in a run of its own.",
            days,
            _today(),
        )


def _kept(
    context: dg.AssetExecutionContext, day: date, rows: int
) -> dg.MaterializeResult[StagedTable] | dg.AssetMaterialization:
    metadata = {"kept_rows": rows}
    if len(days_of(context).days) == 1:
        return dg.MaterializeResult(metadata=metadata)
    return dg.AssetMaterialization(
        asset_key(LIFETIME_SNAPSHOTS), partition=str(day), metadata=metadata
    )
