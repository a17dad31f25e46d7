"""Ours through Dagster: the assets, all days in one run, as `dagster asset materialize` does."""

from pathlib import Path

import dagster as dg
from contender_ours import days_of

from video_assets.catalog import asset_key
from video_assets.definitions import build_definitions
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings

_TABLES = (RAW_EVENTS, REJECTED_EVENTS, VIDEO_METADATA, SESSIONS, ENGAGEMENT)


def whole_pipeline(events: Path, metadata: Path, output: Path) -> Path:
    """Materialize the tables, without their checks, which the other contenders do not have."""
    run = days_of(events)
    settings = Settings(
        warehouse=str(output),
        events=str(events),
        video_metadata=str(metadata),
        start_date=run.first,
        _env_file=None,
    )
    definitions = build_definitions(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            list(definitions.assets or ()),  # type: ignore[arg-type]
            resources=definitions.resources,
            instance=instance,
            selection=[asset_key(table) for table in _TABLES],
            tags={
                "dagster/asset_partition_range_start": run.first.isoformat(),
                "dagster/asset_partition_range_end": run.last.isoformat(),
            },
        )
    assert result.success
    return output / "video" / ENGAGEMENT.name
