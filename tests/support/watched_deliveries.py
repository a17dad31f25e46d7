"""The real definitions with the sensors on, for a daemon that looks at deliveries often."""

import dagster as dg

from video_assets.automation.delivery_sensor import delivery_sensor
from video_assets.automation.schedules import automation_sensor
from video_assets.definitions import build_definitions
from video_assets.settings import load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, and the two sensors that start runs."""
    settings = load_settings()
    real = build_definitions(settings)
    return dg.Definitions(
        assets=real.assets,
        resources=real.resources,
        executor=dg.in_process_executor,
        sensors=[
            automation_sensor(1),
            delivery_sensor(settings, 1, dg.DefaultSensorStatus.RUNNING),
        ],
    )
