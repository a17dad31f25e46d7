"""Real steps from events to sessions with the sensors on, for a daemon that looks often."""

import dagster as dg

from video_assets.automation.delivery_sensor import delivery_sensor
from video_assets.automation.schedules import automation_sensor
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.definitions import build_definitions
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import load_settings

# What the sensor of deliveries may ask for, and the first that follows from it.
COMPUTED = (
    *(SOURCE_FILES, RAW_EVENTS, REJECTED_EVENTS, SESSIONS, VIDEO_METADATA),
    *(DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS),
)


@dg.definitions
def defs() -> dg.Definitions:
    """These assets, and the two sensors that start runs."""
    settings = load_settings()
    real = build_definitions(settings)
    keys = {asset_key(table) for table in COMPUTED}
    assets = [a for a in real.assets or () if isinstance(a, dg.AssetsDefinition) and a.keys & keys]
    return dg.Definitions(
        assets=assets,
        resources=real.resources,
        executor=dg.in_process_executor,
        sensors=[
            automation_sensor(1),
            delivery_sensor(settings, 1, dg.DefaultSensorStatus.RUNNING),
        ],
    )
