"""Player events of a sample: sizes, defects, delivery, and the worked example."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.samples import Sample, make_sample

from video_assets.sample_data import SampleSpec, SampleSummary
from video_assets.vocabulary import EVENT_NAMES

Row = dict[str, Any]


def reason(row: Row) -> str | None:
    """Why the specification refuses a row, if it does."""
    position = row["currentTime"]
    rules = {
        "missing_timestamp": row["timestamp"] is None,
        "missing_user": not row["userId"],
        "missing_session": not row["sessionId"],
        "missing_video": not row["videoId"],
        "unknown_event": row["eventName"] not in EVENT_NAMES,
        "missing_position": position is None or not isfinite(position),
        "negative_position": position is not None and position < 0,
    }
    return next((name for name, broken in rules.items() if broken), None)


@pytest.fixture(scope="module")
def rows(sample: Sample) -> list[Row]:
    return sample.events.to_pylist()


@pytest.fixture(scope="module")
def valid(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    """Valid rows without their dimensions, and how often they come."""
    return Counter(tuple(row.values())[:-2] for row in rows if reason(row) is None)


def test_a_sample_has_exactly_the_events_asked_for(rows: list[Row]) -> None:
    assert len(rows) == 40_000


def test_the_summary_counts_what_the_rules_find(
    sample: Sample, rows: list[Row], valid: Counter[tuple[Any, ...]]
) -> None:
    counts = sample.summary.events
    assert counts.rows == len(rows)
    assert counts.distinct == len(valid)
    assert counts.duplicates == valid.total() - len(valid)
    assert counts.rejected == Counter(why for row in rows if (why := reason(row)))


def test_the_summary_counts_each_day(sample: Sample, valid: Counter[tuple[Any, ...]]) -> None:
    found = Counter(row[0].date() for row in valid)
    assert found == {day: c.distinct for day, c in sample.summary.event_days.items()}


def test_the_summary_is_kept_beside_the_data(sample: Sample) -> None:
    assert SampleSummary.load(sample.folder) == sample.summary


def test_every_kind_of_bad_row_is_there(sample: Sample) -> None:
    assert set(sample.summary.events.rejected) == {
        "missing_timestamp",
        "missing_user",
        "missing_session",
        "missing_video",
        "unknown_event",
        "missing_position",
        "negative_position",
    }
    assert pc.any(pc.is_nan(sample.events["currentTime"])).as_py()
    assert sample.events["currentTime"].null_count > 0


def test_about_three_in_a_thousand_rows_are_bad_and_five_come_again(sample: Sample) -> None:
    counts = sample.summary.events
    assert sum(counts.rejected.values()) / counts.rows == pytest.approx(0.003, rel=0.05)
    assert counts.duplicates / counts.rows == pytest.approx(0.005, rel=0.05)


def test_every_event_happens_inside_the_range(
    sample: Sample, valid: Counter[tuple[Any, ...]]
) -> None:
    assert {row[0].date() for row in valid} == set(sample.spec.event_days)


def test_a_row_comes_in_its_day_s_file_or_late_in_the_next(sample: Sample) -> None:
    late = 0
    for file_day, events in sample.events_by_file.items():
        days = {time.date() for time in events["timestamp"].to_pylist() if time}
        assert days <= {file_day, file_day - timedelta(days=1)}
        late += sum(time.date() < file_day for time in events["timestamp"].to_pylist() if time)
    assert 0 < late <= sample.summary.events.late


def test_the_last_day_s_late_rows_come_in_a_file_of_their_own(sample: Sample) -> None:
    last_file = max(sample.events_by_file)
    assert last_file == sample.spec.event_days[-1] + timedelta(days=1)


def test_rows_do_not_come_in_order_of_time(sample: Sample) -> None:
    first = next(iter(sample.events_by_file.values()))["timestamp"].drop_null().to_pylist()
    assert first != sorted(first)


def test_some_sessions_run_across_midnight(valid: Counter[tuple[Any, ...]]) -> None:
    days: dict[str, set[date]] = {}
    for time, _, session, *_ in valid:
        days.setdefault(session, set()).add(time.date())
    assert sum(len(session_days) > 1 for session_days in days.values()) >= 10


def test_some_sessions_go_from_one_video_to_another(valid: Counter[tuple[Any, ...]]) -> None:
    videos: dict[str, set[str]] = {}
    for _, _, session, video, *_ in valid:
        videos.setdefault(session, set()).add(video)
    assert sum(len(seen) > 1 for seen in videos.values()) / len(videos) > 0.1


def test_seeks_and_no_other_events_have_a_target(valid: Counter[tuple[Any, ...]]) -> None:
    named = Counter((name, target is not None) for *_, name, _, target in valid)
    assert named["video_seek", True] > 100
    assert {name for name, has_target in named if has_target} == {"video_seek"}


def test_some_players_send_heartbeats(valid: Counter[tuple[Any, ...]]) -> None:
    names = Counter(name for *_, name, _, _ in valid)
    assert 0.05 < names["video_heartbeat"] / names.total() < 0.4


def test_a_session_belongs_to_one_user(valid: Counter[tuple[Any, ...]]) -> None:
    owners = {(session, user) for _, user, session, *_ in valid}
    assert len(owners) == len({session for session, _ in owners})


def test_a_session_has_one_device_and_a_viewer_one_player(rows: list[Row]) -> None:
    known = [row for row in rows if row["userId"] and row["userId"] != "peter"]
    players = {(row["userId"], row["player"]) for row in known}
    devices = {(row["sessionId"], row["device"]) for row in known if row["sessionId"]}
    assert len(players) == len({user for user, _ in players})
    assert len(devices) == len({session for session, _ in devices})
    assert {player for _, player in players} == {"4.2", "5.0"}
    assert {device for _, device in devices} == {"computer", "tablet", "phone", None}


def test_few_videos_get_most_of_the_views(valid: Counter[tuple[Any, ...]]) -> None:
    by_video = Counter(video for _, _, _, video, *_ in valid)
    top = sum(count for _, count in by_video.most_common(12))
    assert top / by_video.total() > 0.4


def test_evenings_are_busier_than_nights(valid: Counter[tuple[Any, ...]]) -> None:
    hours = Counter(row[0].hour for row in valid)
    assert hours[20] > 5 * hours[4]


def test_the_worked_example_is_there_exactly_once(rows: list[Row]) -> None:
    start = datetime(2025, 1, 1, 10, tzinfo=UTC)
    expected = [
        (0, "video_play", 0.0),
        (30, "video_pause", 30.0),
        (35, "video_resume", 30.0),
        (125, "video_pause", 120.0),
        (130, "video_resume", 110.0),
        (140, "video_pause", 120.0),
    ]
    assert [tuple(row.values()) for row in rows if row["userId"] == "peter"] == [
        (
            start + timedelta(seconds=at),
            "peter",
            "peter-session-1",
            "video_001",
            name,
            position,
            *(None, None, None),
        )
        for at, name, position in expected
    ]


def test_the_same_seed_gives_the_same_files(sample: Sample, tmp_path: Path) -> None:
    again = make_sample(tmp_path, **dict(sample.spec))
    assert again.summary == sample.summary
    assert again.content == sample.content


def test_another_seed_gives_other_rows_in_every_file(sample: Sample, tmp_path: Path) -> None:
    other = make_sample(tmp_path, **dict(sample.spec) | {"seed": 1}).content
    assert other.keys() == sample.content.keys()
    assert not [name for name, content in sample.content.items() if other[name] == content]


def test_a_day_does_not_depend_on_how_many_days_follow(sample: Sample, tmp_path: Path) -> None:
    shorter = make_sample(tmp_path, events=20_000, days=2).content
    for name in ("events/events-2025-01-01.parquet", "events/events-2025-01-02.parquet"):
        assert shorter[name] == sample.content[name]


def test_events_do_not_depend_on_the_views(sample: Sample, tmp_path: Path) -> None:
    other = make_sample(tmp_path, **dict(sample.spec) | {"channel_videos": 5}).content
    unchanged = {name for name, content in sample.content.items() if other.get(name) == content}
    assert unchanged == {name for name in sample.content if not name.startswith("daily_views")}


def test_writing_again_replaces_a_longer_sample(tmp_path: Path) -> None:
    make_sample(tmp_path, events=2_000, days=5)
    shorter = make_sample(tmp_path, events=2_000, days=2)
    assert shorter.events.num_rows == 2_000


def test_files_that_are_no_sample_stay(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "notes.txt").write_text("mine")
    make_sample(tmp_path, events=100, days=1)
    assert (tmp_path / "events" / "notes.txt").read_text() == "mine"


@settings(max_examples=15, deadline=None)
@given(
    days=st.integers(1, 5),
    more=st.integers(0, 400),
    users=st.integers(1, 50),
    videos=st.integers(1, 20),
    seed=st.integers(0, 2**40),
)
def test_any_sizes_give_exactly_the_rows_asked_for(
    days: int, more: int, users: int, videos: int, seed: int
) -> None:
    with TemporaryDirectory() as folder:
        options = {"users": users, "videos": videos, "seed": seed, "channel_videos": 3}
        sample = make_sample(Path(folder), events=20 * days + more, days=days, **options)
        counts = sample.summary.events
        assert sample.events.num_rows == counts.rows == 20 * days + more
        assert counts.distinct + counts.duplicates + sum(counts.rejected.values()) == counts.rows


def test_too_few_events_for_the_days_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValidationError, match="ask for at least 200 events"):
        SampleSpec(events=100, days=10)


def test_some_viewers_come_back_on_a_later_day_for_what_they_left(rows: list[Row]) -> None:
    """Who goes on where an earlier day left off, to the millisecond, does not do so by chance."""
    known = [row for row in rows if reason(row) is None]
    known.sort(key=lambda row: (row["timestamp"], row["sessionId"]))
    left_at: dict[tuple[str, str], tuple[date, float]] = {}
    returns, begun = Counter[date](), Counter[date]()
    seen: set[tuple[str, str]] = set()
    for row in known:
        of, visit = (row["userId"], row["videoId"]), (row["sessionId"], row["videoId"])
        day, at = row["timestamp"].date(), row["currentTime"]
        if visit not in seen:
            seen.add(visit)
            begun[day] += 1
            earlier = left_at.get(of)
            returns[day] += bool(earlier and earlier[0] < day and at == earlier[1] > 0)
        left_at[of] = (day, at)
    first, *later = sorted(begun)
    assert returns[first] == 0
    assert all(returns[day] > 0.01 * begun[day] for day in later if begun[day] > 100)
