"""The asset of the group `deliveries`: the account of every delivered file."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from video_assets.catalog import DELIVERIES, asset_key, declared
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.deliveries.account import Account
from video_assets.deliveries.delivery import Source
from video_assets.deliveries.look import look_into
from video_assets.deliveries.stored_account import change_account
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import VIDEO_METADATA
from video_assets.player_events.stage_events import events_delivered
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.player_events.user_aliases import refresh_aliases
from video_assets.settings import Settings
from video_assets.source_files.sources import sources_of


def source_files_asset() -> dg.AssetsDefinition:
    """The asset `video/source_files`."""

    @dg.asset(
        **declared(SOURCE_FILES, DELIVERIES),
        description="Every version of every file that was delivered: when it came, its rows by "
        "day, and what became of them. The runs that read a file account for it; this asset looks "
        "into files that none has read yet, reading nothing but their times, and notes which "
        "files have vanished.",
        deps=[asset_key(RAW_EVENTS), asset_key(DAILY_VIDEO_VIEWS), asset_key(VIDEO_METADATA)],
    )
    @retries_passing_faults
    def source_files(
        context: dg.AssetExecutionContext, spark: SparkEngine, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        counts: dict[str, dict[str, int]] = {}
        refresh_aliases(spark, settings, events_delivered(settings), context.log)
        for source in sources_of(settings):
            counts[source.name] = _counts(_looked_at(spark, source))
        context.log.info("; ".join(f"{name} {_said(of)}" for name, of in counts.items()))
        yield dg.MaterializeResult(
            metadata={
                f"{source}_{name}": n for source, of in counts.items() for name, n in of.items()
            }
        )

    return source_files


def _looked_at(spark: SparkEngine, source: Source) -> Account:
    found = source.every_file()
    look_into(spark.spark_session, source, found)
    now = datetime.now(UTC)
    return change_account(
        source.warehouse, source.name, source.read_as, lambda account: account.missing(found, now)
    )


def _counts(account: Account) -> dict[str, int]:
    versions = account.versions.values()
    return {
        "files": sum(version.vanished is None for version in versions),
        "files_not_read": sum(version.rows is None for version in versions),
        "vanished_files": sum(version.vanished is not None for version in versions),
        "waiting_rows": sum(v.waiting or 0 for v in versions if v.vanished is None),
    }


def _said(counts: Mapping[str, int]) -> str:
    """Counts that are not 0, as `2 files, 10 waiting rows`."""
    return (
        ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n) or "no file"
    )
