"""The job `maintenance`: what grows is tidied once a week, while everything else goes on."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from deltalake.exceptions import CommitFailedError

from resources.delta.maintenance import Extent, tidy
from resources.delta.retention import Dropped, drop_days
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.runs.history import remove_old_runs
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.tables import ALL_TABLES

JOB = "maintenance"
SCHEDULE = "maintenance_on_sundays"
CRON = "30 3 * * 0"
TIME_ZONE = "Europe/Zurich"
_RETAINED = (RAW_EVENTS, REJECTED_EVENTS)


@dg.op(
    description="Drops days of raw_events and rejected_events older than RETENTION_DAYS, where it "
    "is set; sessions and what follows from them stay.",
    out=dg.Out(dg.Nothing),
)
def drop_old_days(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
    """Drop old days first, so that nobody joins their files."""
    if settings.retention_days is None:
        context.log.info("RETENTION_DAYS is not set: all days stay")
        return
    first = settings.first_day_of_events(datetime.now(UTC).date())
    stored = Warehouse(settings.warehouse)
    for table in _RETAINED:
        if stored.holds(table):
            dropped = _dropped(stored.location(table), table, first)
            context.log.info(
                "%s: dropped %d days before %s, %d rows",
                table.name,
                dropped.days,
                first,
                dropped.rows,
            )
            context.add_output_metadata(
                {f"{table.name}_days": dropped.days, f"{table.name}_rows": dropped.rows}
            )


@dg.op(
    description="Joins small files of every table, shortens its log, and deletes files that no "
    "version of the last VACUUM_RETENTION_HOURS needs.",
    ins={"after": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
)
def tidy_tables(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
    """Tidy one table after the other, smallest memory first."""
    records = list(_tidied(context, settings))
    context.add_output_metadata({"tables": dg.MetadataValue.table(records)})


@dg.op(
    description="Deletes Dagster's runs and events older than RUN_RETENTION_DAYS; what says that a "
    "partition is there stays.",
    ins={"after": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
)
def remove_runs(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
    """Remove old runs, whatever became of the tables."""
    removed = remove_old_runs(context.instance, timedelta(days=settings.run_retention_days))
    context.log.info("removed %d runs and %d events", removed.runs, removed.events)
    context.add_output_metadata({"runs": removed.runs, "events": removed.events})


@dg.job(
    name=JOB,
    description="Keeps tables and history small; runs while others read and write, and may be "
    "stopped at any moment.",
)
def maintenance() -> None:
    """Tables first, then the history."""
    remove_runs(after=tidy_tables(after=drop_old_days()))


def maintenance_schedule() -> dg.ScheduleDefinition:
    """Sundays at 03:30 in Zurich, once somebody switched it on."""
    return dg.ScheduleDefinition(
        name=SCHEDULE,
        job=maintenance,
        cron_schedule=CRON,
        execution_timezone=TIME_ZONE,
        description="Tidies every table and Dagster's history once a week.",
    )


def _dropped(location: str, table: Table, first: date) -> Dropped:
    try:
        return drop_days(location, table, first)
    except CommitFailedError:  # a run replaces one of the days: another week
        return Dropped()


def _tidied(context: dg.OpExecutionContext, settings: Settings) -> Iterator[dg.TableRecord]:
    retention = timedelta(hours=settings.vacuum_retention_hours)
    stored = Warehouse(settings.warehouse)
    for table in ALL_TABLES:
        if stored.holds(table):
            before, after = tidy(stored.location(table), table, retention)
            context.log.info("%s: %s", table.name, what_changed(before, after))
            yield dg.TableRecord(
                {
                    "table": table.name,
                    **_compared("live files", before.live_files, after.live_files),
                    **_compared("live bytes", before.live_bytes, after.live_bytes),
                    **_compared("past files", before.past_files, after.past_files),
                    **_compared("past bytes", before.past_bytes, after.past_bytes),
                    **_compared("log files", before.log_files, after.log_files),
                    **_compared("log bytes", before.log_bytes, after.log_bytes),
                }
            )


def _compared(name: str, before: int, after: int) -> dict[str, int]:
    return {f"{name} before": before, f"{name} after": after}


def what_changed(before: Extent, after: Extent) -> str:
    """What a table occupies, and occupied where that was something else."""
    was = "as before" if before == after else f"before: {_described(before)}"
    return f"{_described(after)}; {was}"


def _described(extent: Extent) -> str:
    live = _counted(extent.live_files, extent.live_bytes)
    past = _counted(extent.past_files, extent.past_bytes) if extent.past_files else "none"
    return f"{live}, older versions {past}, log {extent.log_bytes:,} bytes"


def _counted(files: int, size: int) -> str:
    return f"{files:,} {'file' if files == 1 else 'files'} of {size:,} bytes"
