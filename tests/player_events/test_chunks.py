import logging
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from deltalake import write_deltalake
from support.samples import Sample
from support.source_files import write
from support.world import TABLES, world

from resources.delta.data_files import DataFile
from resources.delta.stage import StagedTable
from video_assets import chunks
from video_assets.chunks import StagedChunks, chunks_of_days, one_by_one, stage_side_by_side
from video_assets.days import UNDATED, DayRange
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement import stage_engagement as engagement
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events import stage_events
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sizes import Portion

WHEN = ("firstSeenAt", "readAt")
EVENTS = (RAW_EVENTS, REJECTED_EVENTS)
RANGE = DayRange(date(2025, 1, 1), date(2025, 1, 8))


def test_chunks_of_days_cover_the_range_without_overlap() -> None:
    parts = chunks_of_days(RANGE, rows=30, rows_at_once=10)
    assert [(part.first.day, part.end.day) for part in parts] == [(1, 3), (3, 5), (5, 8)]


def test_a_chunk_has_at_least_a_day() -> None:
    assert len(chunks_of_days(RANGE, rows=1_000_000, rows_at_once=1)) == 7


def test_few_rows_are_one_chunk() -> None:
    assert chunks_of_days(RANGE, rows=0) == [RANGE]


def test_each_chunk_is_told_before_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    chunks_begun = one_by_one(["a", "b"], logging.getLogger("progress"))
    assert next(chunks_begun) == "a"
    assert caplog.messages == ["chunk 1 of 2: a"]
    assert next(chunks_begun) == "b"
    assert caplog.messages == ["chunk 1 of 2: a", "chunk 2 of 2: b"]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "video" / "sessions" / "part.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def staged_as(path: Path) -> StagedTable:
    file = DataFile(path.name, size=0, rows=0, day=None, modified=0, stats="{}")
    return StagedTable(SESSIONS, str(path.parent), (file,))


def fails() -> NoReturn:
    raise RuntimeError("broken")


def test_files_of_a_part_are_deleted_when_the_part_beside_it_fails(written: Path) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        stage_side_by_side(fails, lambda: staged_as(written))
    assert not written.exists()


def test_files_of_a_chunk_are_deleted_when_a_later_one_fails(written: Path) -> None:
    def stage_two_chunks() -> None:
        with StagedChunks() as staged:
            staged.add({"sessions": staged_as(written)})
            fails()

    with pytest.raises(RuntimeError, match="broken"):
        stage_two_chunks()
    assert not written.exists()


def delivered(sample: Sample, source: str, folder: Path) -> str:
    if source == "lines":
        for number, events in enumerate(sample.events_by_file.values()):
            write(folder / source / f"{number}.json", events.to_pylist())
        return str(folder / source)
    if source != "delta":
        return str(sample.folder / source)
    write_deltalake(folder / source, sample.events)
    return str(folder / source)


@pytest.mark.parametrize("source", ["events/events-{date}.parquet", "events", "delta", "lines"])
def test_a_range_in_chunks_gives_the_rows_and_the_account_of_a_range_at_once(
    source: str,
    tmp_path: Path,
    sample: Sample,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    first = sample.spec.first_day
    last = first + timedelta(days=sample.spec.days - 1)
    sources = {
        "events": delivered(sample, source, tmp_path),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
        "start_date": first,
    }
    with world(tmp_path / "at once", **sources) as at_once:
        at_once.compute(first, last)
    monkeypatch.setattr(chunks, "ROWS_AT_ONCE", 500)
    monkeypatch.setattr(stage_events, "EVENTS_AT_ONCE", Portion(500, bytes_per_row=20))
    monkeypatch.setattr(engagement, "SESSIONS_AT_ONCE", 300)
    with world(tmp_path / "in chunks", **sources) as in_chunks:
        caplog.clear()
        in_chunks.compute(first, last, tables=EVENTS)
        assert any(message.startswith("chunk 2 of ") for message in caplog.messages)
        in_chunks.compute(first, last, tables=set(TABLES) - set(EVENTS))
    assert in_chunks.event_results() == at_once.event_results()
    assert in_chunks.rows(SOURCE_FILES, WHEN) == at_once.rows(SOURCE_FILES, WHEN)
    undated = [row for row in at_once.rows(REJECTED_EVENTS) if row["eventDate"] == UNDATED]
    assert bool(undated) == ("{date}" not in source)
