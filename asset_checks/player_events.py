"""What must hold for `raw_events`: every row has its place, and no source row got lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from operator import or_
from statistics import median

from pyspark.sql import Column
from pyspark.sql import functions as F

from asset_checks.evaluate import sample
from asset_checks.freshness import delivered_in_time, yesterday_is_there
from asset_checks.rules import (
    WARN,
    CheckInput,
    Evidence,
    Finding,
    MeasuredRule,
    RowRule,
    Rule,
    WrittenRows,
    of_days,
    share_of,
)
from video_assets.days import UNDATED, yesterday
from video_assets.ingestion import events_source, replaced_days
from video_assets.player_events.tables import DESCRIBED_VIDEOS, RAW_EVENTS, REJECTED_EVENTS
from video_assets.unfinished_days import lag_of_events
from video_assets.vocabulary import (
    DUPLICATES,
    ERASED,
    IGNORED,
    REJECTED_ROWS,
    SOURCE_ROWS,
    WAITING,
)

_ROWS_WRITTEN = "rows_written"
_DAY = "eventDate"


def _lacks_a_required_value(_: CheckInput) -> Column:
    return reduce(or_, (F.col(name).isNull() for name in RAW_EVENTS.required_columns))


def _is_on_another_day(_: CheckInput) -> Column:
    return F.to_date(F.col("timestamp")) != F.col(_DAY)


def _lost_rows(given: CheckInput) -> Finding:
    """Compare what the newest run reported with what the tables hold for its days."""
    written = given.newest_write()
    if written is None or not {SOURCE_ROWS, DUPLICATES, _ROWS_WRITTEN} <= written.counts.keys():
        return Finding(note="no run reported how many source rows it read: nothing to compare")
    counted = list(_accounts(given, written))
    lost = [row for row in counted if row["reported"] != row["found"]]
    return Finding(
        rows=max((abs(row["reported"] - row["found"]) for row in lost), default=0),
        checked=int(written.counts[SOURCE_ROWS]),
        sample=lost,
        days=(_changed_days(given, written) or written.days.days) if lost else (),
    )


def _changed_days(given: CheckInput, written: WrittenRows) -> Sequence[date]:
    """Days that do not hold as many events as were written."""
    rows = given.stored.rows_per_day(RAW_EVENTS)
    reported = given.counts_by_day(written.days.days)
    return [
        day
        for day, numbers in reported.items()
        if numbers.get(_ROWS_WRITTEN, rows.get(day, 0)) != rows.get(day, 0)
    ]


def _accounts(given: CheckInput, written: WrittenRows) -> Iterator[Evidence]:
    valid_days, rejected_days = replaced_days(events_source(given.settings), written.days)
    valid = _rows_of(given.stored.rows_per_day(RAW_EVENTS), valid_days)
    rejected = _rows_of(given.stored.rows_per_day(REJECTED_EVENTS), rejected_days)
    reported = {name: int(count) for name, count in written.counts.items()}
    in_no_table = sum(reported.get(name, 0) for name in (DUPLICATES, IGNORED, WAITING, ERASED))
    accounted = valid + rejected + in_no_table
    yield {"rows": RAW_EVENTS.name, "reported": reported[_ROWS_WRITTEN], "found": valid}
    if REJECTED_ROWS in reported:
        yield {
            "rows": REJECTED_EVENTS.name,
            "reported": reported[REJECTED_ROWS],
            "found": rejected,
        }
    yield {
        "rows": "source (valid + duplicates + rejected + ignored + waiting + erased)",
        "reported": reported[SOURCE_ROWS],
        "found": accounted,
    }


def _share_of_rejected(given: CheckInput) -> Finding:
    """Rows without a readable day are held against all rows: they belong to no day of the run."""
    days = set(given.checked_days())
    valid, rejected = (given.stored.rows_per_day(t) for t in (RAW_EVENTS, REJECTED_EVENTS))
    if given.days is None:
        days |= rejected.keys() - {UNDATED}
    tolerated = given.thresholds.max_rejected_share
    counts = {day: (rejected.get(day, 0), valid.get(day, 0)) for day in days}
    by_day = {
        day: share_of(refused, refused + kept, tolerated, rejected_rows=refused)
        for day, (refused, kept) in counts.items()
    }
    refused, undated = _rows_of(rejected, days), rejected.get(UNDATED, 0)
    rows = _rows_of(valid, days) + refused
    everything = sum(valid.values()) + sum(rejected.values())
    share = max(refused / max(rows, 1), undated / max(everything, 1))
    measured = {"share": round(share, 6), "rejected_rows": refused, "undated_rows": undated}
    failing = sorted(day for day, found in by_day.items() if found.rows)
    of_all = Finding(checked=rows + undated, measured=measured)
    if undated > tolerated * max(everything, 1):
        return replace(
            of_all,
            rows=refused + undated,
            sample=_rejected_sample(given, [*sorted(days & rejected.keys()), UNDATED]),
        )
    if not failing:
        return replace(of_all, by_day=by_day)
    return replace(
        of_all,
        rows=_rows_of(rejected, set(failing)),
        sample=_rejected_sample(given, failing),
        days=failing,
        by_day=by_day,
    )


def _sampled_events(given: CheckInput) -> Finding:
    """Events that a sender kept of several: what the others would have said is lost."""
    by_day = (
        given.rows(DESCRIBED_VIDEOS)
        .groupBy("eventDate")
        .agg(F.sum("sampledEvents").alias("sampledEvents"))
    )
    days = by_day.where(F.col("sampledEvents") > 0).orderBy("eventDate").collect()
    found = {day["eventDate"]: Finding(rows=day["sampledEvents"]) for day in days}
    return of_days(found, [day.asDict() for day in days])


def _rejected_sample(given: CheckInput, days: Sequence[date]) -> Sequence[Evidence]:
    refused = given.all_rows(REJECTED_EVENTS).where(F.col(_DAY).isin(*days))
    return sample(refused.select("reason", "source", "sourceRow", "rowText", _DAY))


def _unusual_days(given: CheckInput) -> Finding:
    """Compare each day with the median of the days before it that have events."""
    rows = given.stored.rows_per_day(RAW_EVENTS)
    days = (day for day in given.checked_days() if day <= yesterday(given.now))
    compared = [(day, _usual_rows(given, rows, day)) for day in days]
    usual = {day: count for day, count in compared if count is not None}
    unusual = [day for day in usual if not _is_usual(given, rows.get(day, 0), usual[day])]
    needed = given.thresholds.min_row_count_history
    return Finding(
        rows=len(unusual),
        checked=len(usual),
        sample=[
            {"day": day, "rows": rows.get(day, 0), "median_before": usual[day]} for day in unusual
        ],
        days=unusual,
        by_day={
            day: Finding(
                rows=int(day in unusual),
                checked=1,
                measured={"rows_of_day": rows.get(day, 0), "median_before": usual[day]},
            )
            for day in usual
        },
        note="" if usual else f"no day has {needed} days with events shortly before it",
    )


def _usual_rows(given: CheckInput, rows: Mapping[date, int], day: date) -> float | None:
    before = (day - timedelta(days=n + 1) for n in range(given.thresholds.row_count_history_days))
    counts = [rows[earlier] for earlier in before if rows.get(earlier)]
    return median(counts) if len(counts) >= given.thresholds.min_row_count_history else None


def _is_usual(given: CheckInput, rows: int, usual: float) -> bool:
    lowest = given.thresholds.min_row_count_ratio * usual
    return lowest <= rows <= given.thresholds.max_row_count_ratio * usual


def _rows_of(rows: Mapping[date, int], days: set[date] | frozenset[date]) -> int:
    return sum(count for day, count in rows.items() if day in days)


_READ_AGAIN = (
    "A row came past validation: materialize the days again; if it fails again, the reader has a "
    "bug."
)

RULES: tuple[Rule, ...] = (
    RowRule(
        name="no_null_key",
        table=RAW_EVENTS,
        description="Every event has a time, a user, a session, a video, a name and a position.",
        problem="events lack a required value",
        remedy=_READ_AGAIN,
        blocking=True,
        broken=_lacks_a_required_value,
        shows=RAW_EVENTS.required_columns,
    ),
    RowRule(
        name="events_on_their_day",
        table=RAW_EVENTS,
        description="Every event lies in the partition of the UTC day of its timestamp.",
        problem="events lie on another day than that of their timestamp",
        remedy=_READ_AGAIN,
        blocking=True,
        broken=_is_on_another_day,
        shows=(_DAY,),
    ),
    MeasuredRule(
        name="source_rows_accounted_for",
        table=RAW_EVENTS,
        description="Valid, repeated, rejected, ignored and waiting rows are together all rows of "
        "the source, and the tables hold as many as the run reported.",
        problem="source rows are unaccounted for",
        remedy="Somebody else wrote to the tables, or a run was cut short: materialize the days "
        "again.",
        blocking=True,
        compared_with=(REJECTED_EVENTS,),
        measure=_lost_rows,
    ),
    MeasuredRule(
        name="few_rejected_rows",
        table=RAW_EVENTS,
        description="The share of refused source rows is small.",
        problem="too many source rows were rejected",
        remedy="Read reasons and texts in rejected_events; have the sender correct them, or map "
        "columns and event names.",
        severity=WARN,
        compared_with=(REJECTED_EVENTS,),
        thresholds=("max_rejected_share",),
        measure=_share_of_rejected,
    ),
    MeasuredRule(
        name="usual_row_count",
        table=RAW_EVENTS,
        description="A day has about as many events as the days before it.",
        problem="days have unusually few or many events",
        remedy="See whether a delivery is missing or came twice; complete the source and "
        "materialize the days again.",
        severity=WARN,
        thresholds=(
            "min_row_count_ratio",
            "max_row_count_ratio",
            "row_count_history_days",
            "min_row_count_history",
        ),
        measure=_unusual_days,
    ),
    MeasuredRule(
        name="no_sampled_events",
        table=RAW_EVENTS,
        description="No event stands for several of which the sender kept one (`itemCount` above "
        "1).",
        problem="events are samples, so that watched times are too small and cannot be exact",
        remedy="Leave player events out of the sender's sampling; see docs/sources.md.",
        severity=WARN,
        compared_with=(DESCRIBED_VIDEOS,),
        measure=_sampled_events,
    ),
    delivered_in_time(RAW_EVENTS, lag_of_events, "DELIVERY_LAG"),
    yesterday_is_there(RAW_EVENTS, lag_of_events),
)
