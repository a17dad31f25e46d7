"""The same rows in any format, under any names, give the same tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.oracle import UNITS_PER_SECOND, rejection_reason
from support.samples import Sample
from support.source_files import write
from support.tables import in_order
from support.world import DAILY, TABLES, Row, World, world

from video_assets.days import UNDATED
from video_assets.player_events.tables import RAW_EVENTS

RENAMED = {
    "ts": "timestamp",
    "viewer": "userId",
    "visit": "sessionId",
    "asset": "videoId",
    "action": "eventName",
    "position": "currentTime",
    "sought": "seekTime",
}
EVENT_NAMES = {
    "started": "video_play",
    "paused": "video_pause",
    "continued": "video_resume",
    "finished": "video_ended",
}
FOREIGN: Mapping[str, Any] = {"events_columns": RENAMED, "event_names": EVENT_NAMES}

Deliveries = Mapping[date, Sequence[Row]]
Tables = Mapping[str, list[Row]]


def folder_of(suffix: str, root: Path, deliveries: Deliveries) -> str:
    for day, rows in deliveries.items():
        write(root / f"events-{day}{suffix}", rows)
    return str(root)


def delta_table(root: Path, deliveries: Deliveries) -> str:
    for rows in deliveries.values():
        write_deltalake(str(root), pa.Table.from_pylist(list(rows)), mode="append")
    return str(root)


def folders_by_day(suffix: str, root: Path, deliveries: Deliveries) -> str:
    for day, rows in by_day(deliveries).items():
        write(root / f"{day:%Y/%m/%d}" / f"part-0{suffix}", rows)
    return str(root / "{date:%Y/%m/%d}")


def files_by_day(suffix: str, root: Path, deliveries: Deliveries) -> str:
    for day, rows in by_day(deliveries).items():
        write(root / f"{day}{suffix}", rows)
    return str(root / f"{{date}}{suffix}")


def by_day(deliveries: Deliveries) -> dict[date, list[Row]]:
    """Rows by their own day; those without time by the day that delivered them."""
    days: dict[date, list[Row]] = {}
    for delivered, rows in deliveries.items():
        for row in rows:
            day = row["timestamp"].date() if row["timestamp"] else delivered
            days.setdefault(day, []).append(row)
    return days


def foreign(unit: str, row: Row) -> Row:
    """The row as another player sends it: other names, numbers for times, a column too many."""
    ours = row | {"timestamp": as_number(row["timestamp"], unit)}
    theirs = {name: ours[our_name] for name, our_name in RENAMED.items()}
    names = {our_name: name for name, our_name in EVENT_NAMES.items()}
    return theirs | {"action": names.get(theirs["action"], theirs["action"]), "device": "tv"}


def as_number(time: datetime | None, unit: str) -> float | None:
    if time is None:
        return None
    microseconds = round(time.timestamp() * 1_000_000)
    if unit == "us":
        return microseconds
    return microseconds / (UNITS_PER_SECOND["us"] // UNITS_PER_SECOND[unit])


@dataclass(frozen=True)
class Source:
    """A way to deliver the rows, and the settings that it needs."""

    deliver: Callable[[Path, Deliveries], str]
    unit: str | None = None
    is_by_day: bool = False

    def write(self, root: Path, deliveries: Deliveries) -> dict[str, Any]:
        """Deliver the rows; the settings that point at them."""
        if self.unit is None:
            return {"events": self.deliver(root, deliveries)}
        translated = {
            day: [foreign(self.unit, row) for row in rows] for day, rows in deliveries.items()
        }
        events = self.deliver(root, translated)
        return {"events": events, "events_timestamp_unit": self.unit, **FOREIGN}


SOURCES = {
    "parquet": Source(partial(folder_of, ".parquet")),
    "json lines": Source(partial(folder_of, ".jsonl")),
    "json lines, gzipped": Source(partial(folder_of, ".json.gz")),
    "csv": Source(partial(folder_of, ".csv")),
    "csv, gzipped": Source(partial(folder_of, ".csv.gz")),
    "delta": Source(delta_table),
    "parquet, a file a day": Source(partial(files_by_day, ".parquet"), is_by_day=True),
    "json lines, a folder a day": Source(partial(folders_by_day, ".jsonl"), is_by_day=True),
    "csv, gzipped, a folder a day": Source(partial(folders_by_day, ".csv.gz"), is_by_day=True),
    "other names, parquet in us": Source(partial(folder_of, ".parquet"), unit="us"),
    "other names, json lines in s": Source(partial(folder_of, ".jsonl"), unit="s"),
    "other names, csv in ms": Source(partial(folder_of, ".csv"), unit="ms"),
    "other names, delta in us": Source(delta_table, unit="us"),
}


@pytest.fixture(scope="module")
def deliveries(sample: Sample) -> Deliveries:
    """The sample's rows by the day that delivers them; the last day's late rows come on it."""
    last = sample.spec.event_days[-1]
    days: dict[date, list[Row]] = {}
    for day, table in sample.events_by_file.items():
        days.setdefault(min(day, last), []).extend(table.to_pylist())
    return days


@pytest.fixture(scope="module")
def expected(
    sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, list[Row]]]:
    """The tables of one run by Dagster over the sample as it was generated."""
    settings = {"events": str(sample.folder / "events"), **metadata_of(sample)}
    with world(tmp_path_factory.mktemp("expected"), **settings) as generated:
        generated.run(sample.spec.event_days[0], sample.spec.event_days[-1])
        yield generated.event_results()


def metadata_of(sample: Sample) -> dict[str, str]:
    return {"video_metadata": str(sample.folder / "video_metadata.parquet")}


def compute_the_range(events: World, sample: Sample) -> None:
    days = sample.spec.event_days
    events.compute(days[0], days[-1])


def compute_days_again_in_another_order(events: World, sample: Sample) -> None:
    first, second, third = sample.spec.event_days
    events.compute(third, tables=DAILY)
    events.compute(first, tables=DAILY)
    events.compute(second, tables=TABLES)


def test_the_sample_s_tables_hold_what_the_rules_say(
    deliveries: Deliveries, expected: Tables
) -> None:
    rows = [row for day in deliveries.values() for row in day]
    valid = {tuple(row.values()): row for row in rows if rejection_reason(row) is None}
    distinct = [row | {"eventDate": row["timestamp"].date()} for row in valid.values()]
    stored = [{name: row.get(name) for name in RAW_EVENTS.column_names} for row in distinct]
    assert expected["raw_events"] == in_order(stored)
    rejected = [(row, reason) for row in rows if (reason := rejection_reason(row))]
    assert expected["rejected_events"] == in_order(
        [{"reason": reason, "eventDate": day_of(row)} for row, reason in rejected]
    )
    assert {reason for _, reason in rejected} >= {"missing_timestamp", "missing_position"}
    assert any(row["isContinuation"] for row in expected["sessions"])


def day_of(row: Row) -> date:
    return row["timestamp"].date() if row["timestamp"] else UNDATED


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_rows_in_any_format_give_the_same_tables(
    name: str, deliveries: Deliveries, sample: Sample, expected: Tables, tmp_path: Path
) -> None:
    source = SOURCES[name]
    settings = source.write(tmp_path / "source", deliveries) | metadata_of(sample)
    wanted = {**expected, **undated_by_delivery(deliveries)} if source.is_by_day else expected
    with world(tmp_path / "warehouse", **settings) as events:
        compute_the_range(events, sample)
        assert events.event_results() == wanted
        compute_days_again_in_another_order(events, sample)
        assert events.event_results() == wanted


def undated_by_delivery(deliveries: Deliveries) -> dict[str, list[Row]]:
    """Refused rows where files tell the day of a row that does not tell it itself."""
    rejected = [
        {"reason": reason, "eventDate": day}
        for day, rows in by_day(deliveries).items()
        for row in rows
        if (reason := rejection_reason(row))
    ]
    return {"rejected_events": in_order(rejected)}
