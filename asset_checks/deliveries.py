"""What must hold for `source_files`: every row that was delivered is where it belongs."""

from collections.abc import Iterator

from asset_checks.rules import WARN, CheckInput, Evidence, Finding, MeasuredRule, Rule
from video_assets.days import yesterday
from video_assets.deliveries.account import key_of
from video_assets.deliveries.delivery import Source
from video_assets.deliveries.pending import pending_of
from video_assets.deliveries.stale import Comparison, Pending
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.source_files.sources import sources_of

NO_STALE_DAY = "no_stale_day"
EVERY_FILE_IS_READ = "every_file_is_read"
_FILES_NAMED = 3


def _compared(given: CheckInput) -> Iterator[tuple[Source, Comparison]]:
    for source in sources_of(given.settings):
        yield source, pending_of(source, given.settings, given.now)


def _stale_days(given: CheckInput) -> Finding:
    found = list(_compared(given))
    stale = [
        (source.name, day, pending)
        for source, compared in found
        for day, pending in compared.stale.items()
        if day <= yesterday(given.now)
    ]
    waiting = sum(
        not day.was_computed for _, compared in found for day in compared.pending.values()
    )
    unknown = sum(len(compared.unknown) for _, compared in found)
    return Finding(
        rows=len(stale),
        sample=[_evidence(name, str(day), pending) for name, day, pending in stale],
        days=[day for _, day, _ in stale],
        measured={"days_never_computed": waiting, "files_not_looked_into": unknown},
    )


def _evidence(name: str, day: str, pending: Pending) -> Evidence:
    paths = sorted(key.path.rpartition("/")[2] for key in pending.files)
    more = f" and {len(paths) - _FILES_NAMED} more" if len(paths) > _FILES_NAMED else ""
    return {
        "source": name,
        "day": day,
        "files": f"{', '.join(paths[:_FILES_NAMED])}{more}",
        "why": ", ".join(pending.reasons),
    }


def _rows_outside(given: CheckInput) -> Finding:
    outside = [
        (source.name, day, rows)
        for source, compared in _compared(given)
        for day, rows in compared.outside.items()
    ]
    return Finding(
        rows=sum(rows for _, _, rows in outside),
        sample=[{"source": name, "day": day, "rows": rows} for name, day, rows in outside],
        days=[day for _, day, _ in outside],
    )


def _unread_files(given: CheckInput) -> Finding:
    """Of the files that are there now, those that a run or a look met and did not get to know."""
    unread: list[Evidence] = []
    for source in sources_of(given.settings):
        versions = source.account().versions
        for key in sorted(map(key_of, source.every_file())):
            if (seen := versions.get(key)) and seen.rows is None:
                named = {"source": source.name, "file": key.path}
                unread.append({**named, "bytes": seen.size, "since": seen.first_seen})
    return Finding(rows=len(unread), sample=unread)


RULES: tuple[Rule, ...] = (
    MeasuredRule(
        name=EVERY_FILE_IS_READ,
        table=SOURCE_FILES,
        description="No file of a source was looked into in vain: what it holds is known.",
        problem="files cannot be read, so that their rows are in no table",
        remedy="Read what is wrong in the log of the run of video/source_files; have them "
        "delivered again, or move them away.",
        measure=_unread_files,
    ),
    MeasuredRule(
        name=NO_STALE_DAY,
        table=SOURCE_FILES,
        description="No file of a computed day came, changed or vanished since it was computed.",
        problem="days were computed before their files came, changed or vanished",
        remedy="Switch on the sensor new_deliveries, or materialize the days; see whether files "
        "vanished.",
        severity=WARN,
        measure=_stale_days,
    ),
    MeasuredRule(
        name="no_row_outside_partitions",
        table=SOURCE_FILES,
        description="No delivered row is of a day that no partition can hold: before "
        "`START_DATE`, or later than tomorrow.",
        problem="rows wait for days that no partition can hold",
        remedy="Set VIDEO_ASSETS_START_DATE earlier, or correct the sender's clock, unit or time "
        "zone.",
        severity=WARN,
        measure=_rows_outside,
    ),
)
