"""Is what the tables occupy still in proportion to what they hold?"""

from datetime import timedelta

from asset_checks.rules import WARN, CheckInput, Finding, MeasuredRule
from resources.delta.maintenance import extent
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.tables import ALL_TABLES


def _untidy_tables(given: CheckInput) -> Finding:
    retention = timedelta(hours=given.settings.vacuum_retention_hours)
    there = [table for table in ALL_TABLES if given.stored.holds(table)]
    extents = {
        table.name: extent(given.stored.location(table), retention, given.now) for table in there
    }
    untidy = {name: found for name, found in extents.items() if not found.is_tidy}
    return Finding(
        rows=len(untidy),
        checked=len(extents),
        sample=[
            {
                "table": name,
                "live_files": found.live_files,
                "live_bytes": found.live_bytes,
                "overdue_bytes": found.overdue_bytes,
                "stored_bytes": found.stored_bytes,
            }
            for name, found in untidy.items()
        ],
    )


TABLES_ARE_TIDY = MeasuredRule(
    name="tables_are_tidy",
    table=RAW_EVENTS,
    description="No table of the warehouse occupies more than 3 times the bytes of its rows, files "
    "of the last weeks aside, or consists of 10 times the files that it needs.",
    problem="tables of this warehouse occupy much more than their rows need",
    remedy="Switch on the schedule maintenance_on_sundays, or see why its last run failed; run the "
    "job maintenance.",
    severity=WARN,
    by_partition=False,
    measure=_untidy_tables,
)
