"""The example of the page of `video_performance`, computed from its events."""

from collections.abc import Iterator

import pytest
from support.events import START, ended, pause, play, resume
from support.source_files import write, write_table
from support.world import TABLES, Row, world

from video_assets.analytics.tables import USER_ENGAGEMENT, VIDEO_PERFORMANCE

EVENTS = [
    *(play(0, at=0), pause(30, at=30), resume(30, at=35), pause(120, at=125)),
    *(resume(110, at=130), pause(120, at=140)),
    *(play(0, at=0, user="susan"), pause(300, at=150, user="susan")),
    *(play(0, at=0, user="tim"), pause(5, at=5, user="tim")),
    *(resume(295, at=6, user="tim"), ended(300, at=11, user="tim")),
]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    folder = tmp_path_factory.mktemp("example")
    source = str(write(folder / "events.parquet", [vars(event) for event in EVENTS]))
    columns = {"videoId": ["v1"], "duration": [300.0], "title": ["Tea"]}
    metadata = str(write_table(folder / "metadata.parquet", columns))
    settings = {"events": source, "video_metadata": metadata, "start_date": START.date()}
    with world(folder / "warehouse", **settings) as made:
        made.compute(START.date(), tables=TABLES)
        made.compute(tables=(USER_ENGAGEMENT, VIDEO_PERFORMANCE))
        [row] = made.rows(VIDEO_PERFORMANCE)
        yield row


def test_the_end_is_completed_reached_and_covered_by_other_viewers(video: Row) -> None:
    assert video["completionRate"] == 33.33
    assert (video["reachedEndRate"], video["coveredRate"]) == (66.67, 33.33)
    assert (video["reached25Percent"], video["reached50Percent"]) == (100, 66.67)


def test_wall_clock_stands_beside_seconds_of_video(video: Row) -> None:
    assert video["watchHours"] == pytest.approx(440 / 3600)
    assert video["playedHours"] == pytest.approx(290 / 3600)
    assert (video["playbackSpeed"], video["averageMinuteAudience"]) == (1.52, 1.47)


def test_the_other_numbers_are_those_of_the_page(video: Row) -> None:
    counts = ("viewers", "plays", "sessions", "replays", "completions", "validPlays")
    assert [video[name] for name in counts] == [3, 3, 3, 0, 1, 3]
    means = ("avgWatchPercentage", "avgUniqueWatchPercentage", "avgEngagementScore")
    assert [video[name] for name in means] == [48.89, 47.78, 37.11]
    medians = ("medianWatchPercentage", "medianUniqueWatchPercentage", "dropOffPosition")
    assert [video[name] for name in medians] == [43.33, 40, 210]
    tiers = ("highTierViewers", "mediumTierViewers", "lowTierViewers", "minimalTierViewers")
    assert [video[name] for name in tiers] == [0, 2, 1, 0]
    assert (video["flaggedViewers"], video["excludedViewers"]) == (1, 0)
