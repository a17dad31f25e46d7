"""The daily run: yesterday, through everything that can share a run, in order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from video_assets.assets.catalog import asset_key
from video_assets.schemas import (
    DAILY_VIDEO_VIEWS,
    ENGAGEMENT,
    MISSING_DATE,
    MISSING_DATES,
    RAW_EVENTS,
    REJECTED_DAILY_VIEWS,
    REJECTED_EVENTS,
    SESSIONS,
    VIDEO_METADATA,
    Table,
)

JOB = "daily"
SCHEDULE = "daily_at_two"
CRON = "0 2 * * *"
TIME_ZONE = "Europe/Zurich"
AUTOMATION_SENSOR = "automation"

DAILY_STEPS: tuple[Table, ...] = (
    RAW_EVENTS,
    REJECTED_EVENTS,
    SESSIONS,
    VIDEO_METADATA,
    ENGAGEMENT,
    DAILY_VIDEO_VIEWS,
    REJECTED_DAILY_VIEWS,
    MISSING_DATES,
    MISSING_DATE,
)
"""Tables with days as partitions, or without any; months and today follow by condition."""

# Three more tries, after about 30, 60 and 120 seconds.
RETRIES = dg.RetryPolicy(
    max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


def daily_schedule(
    start: date,
    steps: Sequence[dg.AssetKey] = (),
    retries: dg.RetryPolicy = RETRIES,
) -> dg.ScheduleDefinition:
    """Yesterday at 02:00 in Zurich, when the UTC day is over in winter and in summer.

    Each day is requested once, however often the schedule is evaluated. The job `daily` comes
    with the schedule.

    Args:
        start: the first day of all.
        steps: assets of the run; those of `DAILY_STEPS` by default.
        retries: of each step.
    """

    @dg.schedule(
        name=SCHEDULE,
        job=_daily_job(steps or [asset_key(table) for table in DAILY_STEPS], retries),
        cron_schedule=CRON,
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Requests yesterday (UTC) once, also on the days when clocks change.",
    )
    def at_two(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = yesterday(context.scheduled_execution_time)
        if day < start:
            return dg.SkipReason(f"{day} is before VIDEO_ASSETS_START_DATE, {start}")
        return dg.RunRequest(run_key=f"{JOB}-{day}", partition_key=str(day))

    return at_two


def yesterday(now: datetime) -> date:
    """The last UTC day that is over."""
    return now.astimezone(UTC).date() - timedelta(days=1)


def automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """Evaluates the conditions of all assets; on without anybody switching it on."""
    return dg.AutomationConditionSensorDefinition(
        AUTOMATION_SENSOR,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
    )


def _daily_job(steps: Sequence[dg.AssetKey], retries: dg.RetryPolicy) -> Any:
    """A day through the graph: a failed step stops what depends on it, and nothing else."""
    return dg.define_asset_job(
        JOB,
        selection=steps,
        op_retry_policy=retries,
        description="A day through events, sessions, engagement, daily views and missing dates. "
        "Monthly views, today's lifetime snapshot and the history follow by themselves.",
    )
