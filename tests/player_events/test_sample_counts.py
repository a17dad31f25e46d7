"""What a run reports equals what the generator of the sample counted while it made it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from support.samples import Sample
from support.world import DAILY, Run, World, world

from video_assets.days import UNDATED
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sample_data import EventCounts


@dataclass(frozen=True)
class Ran:
    events: World
    range: Run
    day: Run


@pytest.fixture(scope="module")
def ran(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    first, second, last = sample.spec.event_days
    settings = {
        "events": str(sample.folder / "events"),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
    }
    with world(tmp_path_factory.mktemp("counts"), **settings) as events:
        yield Ran(events, events.run(first, last), events.run(second, tables=DAILY))


def undated(sample: Sample) -> int:
    return sample.summary.events.rejected["missing_timestamp"]


def seen_on(day: date, sample: Sample) -> EventCounts:
    """A day's counts; rows without time belong to every run, and so to every day."""
    counts = sample.summary.event_days[day]
    reasons = {**counts.rejected, "missing_timestamp": undated(sample)}
    more = undated(sample) - counts.rejected.get("missing_timestamp", 0)
    return counts.model_copy(update={"rows": counts.rows + more, "rejected": reasons})


def require_accounts(run: Run, counts: EventCounts) -> None:
    assert run.counted(RAW_EVENTS, "source_rows") == counts.rows
    assert run.counted(RAW_EVENTS, "duplicates") == counts.duplicates
    assert run.counted(RAW_EVENTS, "rows_written") == counts.distinct
    rejected = sum(counts.rejected.values())
    assert run.counted(RAW_EVENTS, "rejected_rows") == rejected
    assert run.counted(REJECTED_EVENTS, "rows_written") == rejected
    assert run.counted(REJECTED_EVENTS, "reasons") == counts.rejected


def test_a_run_of_all_days_accounts_for_every_row(ran: Ran, sample: Sample) -> None:
    require_accounts(ran.range, sample.summary.events)


def test_a_run_of_one_day_accounts_for_its_rows(ran: Ran, sample: Sample) -> None:
    require_accounts(ran.day, seen_on(sample.spec.event_days[1], sample))


def test_the_share_of_rejected_rows_is_a_percentage_of_the_source(ran: Ran, sample: Sample) -> None:
    counts = sample.summary.events
    share = 100 * sum(counts.rejected.values()) / counts.rows
    found = ran.range.counted(RAW_EVENTS, "share_rejected_percent")
    assert found == pytest.approx(share, abs=0.001)


def test_a_run_reports_the_rows_of_each_day(ran: Ran, sample: Sample) -> None:
    days = sample.summary.event_days
    assert ran.range.rows_per_day(RAW_EVENTS) == {day: c.distinct for day, c in days.items()}
    rejected = {day: sum(c.rejected.values()) for day, c in days.items()}
    for day, counts in days.items():
        rejected[day] -= counts.rejected.get("missing_timestamp", 0)
    wanted = {**rejected, UNDATED: undated(sample)}
    assert ran.range.rows_per_day(REJECTED_EVENTS) == wanted


def test_each_day_of_a_range_shows_its_own_rows(ran: Ran, sample: Sample) -> None:
    days = sample.summary.event_days
    wanted = {str(day): counts.distinct for day, counts in days.items()}
    assert ran.range.row_count_by_partition(RAW_EVENTS) == wanted
    assert sum(ran.range.row_count_by_partition(SESSIONS).values()) == len(
        ran.events.rows(SESSIONS)
    )


def test_the_tables_hold_as_many_rows_as_the_runs_report(ran: Ran, sample: Sample) -> None:
    counts = sample.summary.events
    assert len(ran.events.rows(RAW_EVENTS)) == counts.distinct
    reasons = Counter(row["reason"] for row in ran.events.rows(REJECTED_EVENTS))
    assert reasons == counts.rejected
    for table in (SESSIONS, ENGAGEMENT, VIDEO_METADATA):
        assert len(ran.events.rows(table)) == ran.range.counted(table, "rows_written")


def test_every_event_is_in_one_session_and_every_pair_in_one_engagement_row(ran: Ran) -> None:
    events, sessions = ran.events.rows(RAW_EVENTS), ran.events.rows(SESSIONS)
    assert sum(row["eventCount"] for row in sessions) == len(events)
    pairs = [(row["userId"], row["videoId"]) for row in ran.events.rows(ENGAGEMENT)]
    assert sorted(pairs) == sorted({(row["userId"], row["videoId"]) for row in events})


def test_the_metadata_of_all_videos_is_there(ran: Ran, sample: Sample) -> None:
    assert ran.range.row_count_by_partition(VIDEO_METADATA) == {None: sample.summary.videos}
    assert ran.range.counted(VIDEO_METADATA, "source_rows") == sample.metadata.num_rows


def test_a_preview_shows_rows_of_each_table(ran: Ran) -> None:
    for table in (RAW_EVENTS, REJECTED_EVENTS, SESSIONS, VIDEO_METADATA, ENGAGEMENT):
        told = ran.range.metadata_by_partition(table)
        [(partition, preview)] = [
            (p, said["preview"]) for p, said in told.items() if "preview" in said
        ]
        assert partition == (max(filter(None, told)) if table.partition_by else None)
        assert [column.name for column in preview.schema.columns] == list(table.column_names)
        assert 1 <= len(preview.records) <= 10
        assert all(tuple(row.data) == table.column_names for row in preview.records)
