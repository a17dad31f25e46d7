"""The code location as a next release has it: with one more asset."""

import dagster as dg

from video_assets.catalog import asset_key, daily_partitions
from video_assets.definitions import build_definitions
from video_assets.engagement.tables import SESSIONS
from video_assets.settings import load_settings

NEW = dg.AssetKey(["video", "session_count"])


@dg.definitions
def defs() -> dg.Definitions:
    """Everything of this release, and the new asset."""
    settings = load_settings()

    @dg.asset(
        key=NEW, deps=[asset_key(SESSIONS)], partitions_def=daily_partitions(settings.start_date)
    )
    def session_count() -> None: ...

    return dg.Definitions.merge(build_definitions(settings), dg.Definitions(assets=[session_count]))
