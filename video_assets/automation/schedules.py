"""The daily run: yesterday, through everything that can share a run, in order."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import dagster as dg

from video_assets.catalog import LIFETIME_VIEWS
from video_assets.days import yesterday

JOB = "daily"
SCHEDULE = "daily_at_two"
CRON = "0 2 * * *"
TIME_ZONE = "Europe/Zurich"
AUTOMATION_SENSOR = "automation"
SECONDS_BETWEEN_LOOKS = 30


def daily_steps(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec], daily: dg.PartitionsDefinition[str]
) -> list[dg.AssetKey]:
    """What one run of a day can compute: the assets with these partitions, or without any.

    Months follow by their conditions, and so does the group that begins with a count asked today.
    """
    return [
        spec.key
        for asset in assets
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
        if spec.partitions_def in (None, daily) and spec.group_name != LIFETIME_VIEWS
    ]


def daily_schedule(start: date, steps: Sequence[dg.AssetKey]) -> dg.ScheduleDefinition:
    """Yesterday at 02:00 in Zurich, when the UTC day is over in winter and in summer.

    Each day is requested once, however often the schedule is evaluated. The job `daily` comes
    with the schedule.

    Args:
        start: the first day of all.
        steps: assets of the run, as `daily_steps` finds them.
    """

    @dg.schedule(
        name=SCHEDULE,
        job=_daily_job(steps),
        cron_schedule=CRON,
        execution_timezone=TIME_ZONE,
        description="Requests yesterday (UTC) once, also on the days when clocks change.",
    )
    def at_two(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = yesterday(context.scheduled_execution_time)
        if day < start:
            return dg.SkipReason(f"{day} is before VIDEO_ASSETS_START_DATE, {start}")
        return dg.RunRequest(run_key=f"{JOB}-{day}", partition_key=str(day))

    return at_two


def automation_sensor(
    seconds_between_looks: int = SECONDS_BETWEEN_LOOKS,
) -> dg.AutomationConditionSensorDefinition:
    """Evaluates the conditions of all assets; on without anybody switching it on."""
    return dg.AutomationConditionSensorDefinition(
        AUTOMATION_SENSOR,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=seconds_between_looks,
    )


def _daily_job(steps: Sequence[dg.AssetKey]) -> Any:
    """A day through the graph: a failed step stops what depends on it, and nothing else.

    No retry policy: Dagster takes an interrupt for a failure and would try again. What passes is
    retried within the step.
    """
    return dg.define_asset_job(
        JOB,
        selection=steps,
        description="A day through the graph. Monthly views, today's lifetime snapshot and the "
        "history have other partitions and follow by themselves.",
    )
