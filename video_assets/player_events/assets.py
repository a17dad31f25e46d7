"""The assets of the group `player_events`: what the players send, sorted out."""

from collections.abc import Iterator

import dagster as dg

from resources.delta.step_outputs import Written, writes_all_outputs
from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from video_assets.catalog import (
    PLAYER_EVENTS,
    days_of,
    declared_output,
    declared_step,
)
from video_assets.days import UNDATED
from video_assets.days_found import DaysOfSource
from video_assets.player_events.stage_events import (
    DESCRIBED,
    REJECTED,
    VALID,
    events_layout,
    stage_events,
)
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.refusals import Tolerance, without_refused_days
from video_assets.settings import Settings
from video_assets.written_days import Advice, rows_written

SOURCE_KEY = dg.AssetKey(["source", "player_events"])
_ADVICE = Advice(
    RAW_EVENTS,
    "have the days delivered, or map columns and notations (VIDEO_ASSETS_EVENTS_...); refused "
    "rows are in rejected_events, and VIDEO_ASSETS_MAX_REFUSED_SHARE=1 replaces their days all "
    "the same.",
    RAW_EVENTS,
)

player_events_source = dg.AssetSpec(
    key=SOURCE_KEY,
    group_name=PLAYER_EVENTS,
    description="What the players send, one row per action: Parquet, JSON lines, CSV or Delta at "
    "`VIDEO_ASSETS_EVENTS`.",
)


def player_events_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The assets `video/raw_events` and `video/rejected_events`."""

    @dg.multi_asset(
        name="player_events",
        **declared_step(RAW_EVENTS),
        outs={
            VALID: dg.AssetOut(
                **declared_output(RAW_EVENTS, PLAYER_EVENTS),
                description="Every valid player event, once. Rows that repeat another one in all "
                "columns are counted as duplicates, rows that break a rule lie in "
                "`rejected_events`: together they are all rows of the source.",
            ),
            REJECTED: dg.AssetOut(
                **declared_output(REJECTED_EVENTS, PLAYER_EVENTS),
                description="Every source row that was refused: its text as received, the reason, "
                f"and where it came from. Rows whose time cannot be read lie on {UNDATED}, unless "
                "the file tells the day.",
            ),
            DESCRIBED: dg.AssetOut(
                **declared_output(DESCRIBED_VIDEOS, PLAYER_EVENTS),
                description="Durations and titles that the events themselves tell, where the "
                "settings or their preset map something onto `videoDuration` and `videoTitle`; "
                "`video_metadata` takes what its own source does not say from here.",
            ),
        },
        deps=[SOURCE_KEY],
        partitions_def=daily,
    )
    @retries_passing_faults
    @writes_all_outputs
    def player_events(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> Iterator[Written]:
        run, layout = days_of(context), events_layout(settings)
        staged = without_refused_days(
            stage_events(spark, settings, run, context.log),
            VALID,
            REJECTED,
            DaysOfSource(spark, layout, run),
            Tolerance(settings.max_refused_share, settings.start_date),
        )
        yield from rows_written(context, staged, VALID, REJECTED, _ADVICE)

    return player_events
