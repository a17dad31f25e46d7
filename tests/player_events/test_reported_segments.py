"""What players themselves say was watched, beside what comes of their events."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.source_files import EVENT, write
from support.world import DAILY, World, world

from video_assets.player_events.reported import reported_seconds
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.sample_data.player_logs import PLAYER_SAMPLES
from video_assets.try_events import settings_of

CHECK = "watched_as_reported"
DAY = date(2025, 1, 1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0[.]12", 12),
        ("0[.]12[,]12[.]60", 60),
        ("0[.]10[,]20[.]30.5[,]5[.]12", 22.5),
        (" 0 [.] 3 ", 3),
        ("7[.]7", 0),
        ("9[.]4", 0),
        ("0[.]12[,]14[.]", None),
        ("184.2", None),
        ("-3[.]4", None),
        ("", None),
        (None, None),
    ],
)
def test_segments_are_as_long_as_their_union(text: str | None, seconds: float | None) -> None:
    assert reported_seconds(pa.array([text], pa.string())).to_pylist() == [seconds]


_SEGMENTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6)


@given(st.lists(st.none() | _SEGMENTS, max_size=8))
def test_each_text_counts_every_second_of_its_segments_once(
    rows: list[list[tuple[int, int]] | None],
) -> None:
    texts = pa.array(
        [row and "[,]".join(f"{start}[.]{end}" for start, end in row) for row in rows], pa.string()
    )
    seconds = [
        row and len({second for start, end in row for second in range(start, end)}) for row in rows
    ]
    assert reported_seconds(texts).to_pylist() == seconds
    assert reported_seconds(texts.dictionary_encode()).to_pylist() == seconds


@pytest.mark.parametrize(("end", "passes"), [(304, True), (340, False)])
def test_a_check_says_where_players_report_other_seconds_than_come_of_their_statements(
    tmp_path: Path, instance: dg.DagsterInstance, end: int, *, passes: bool
) -> None:
    sample = PLAYER_SAMPLES["xapi"](tmp_path / "source")
    path = tmp_path / "source" / "statements.jsonl"
    path.write_bytes(path.read_bytes().replace(b"200[.]300", f"200[.]{end}".encode()))
    settings = settings_of("xapi", sample, tmp_path).model_dump(exclude={"warehouse"})
    logs = World(tmp_path / "tables", instance, **settings).with_settings(video_metadata=None)
    run = logs.run(sample.first_day, sample.last_day, tables=DAILY)
    [found] = [c for c in run.result.get_asset_check_evaluations() if c.check_name == CHECK]
    assert found.passed == passes
    assert found.metadata["checked_rows"].value == 3


def test_of_an_event_that_came_twice_the_larger_report_holds(tmp_path: Path) -> None:
    said = ["0[.]5", "0[.]9", None]
    rows = [{**EVENT, "timestamp": f"{DAY}T10:00:00Z", "played": played} for played in said]
    source = write(tmp_path / "events.json", rows)
    mapped: dict[str, Any] = {"events_columns": {"played": "playedSegments"}}
    with world(tmp_path / "w", events=str(source), video_metadata=None, **mapped) as logs:
        logs.compute(DAY)
        assert [row["reportedSeconds"] for row in logs.rows(RAW_EVENTS)] == [9]
