"""What is known of videos: delivered, or told by their events."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.source_files import EVENT, write
from support.world import Row, world

from video_assets.engagement.routes import UNREADABLE
from video_assets.engagement.tables import ENGAGEMENT, VIDEO_METADATA
from video_assets.player_events.tables import DESCRIBED_VIDEOS

FIRST, SECOND = date(2025, 1, 3), date(2025, 1, 4)
TOLD = {"long": "videoDuration", "called": "videoTitle"}


def told(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> tuple[list[Row], list[Row]]:
    """What the days' events tell, and what is known then."""
    events = [{**EVENT, "long": None, "called": None, **row} for row in rows]
    source = write(folder / "events.json", events)
    given = {"video_metadata": None, "events_columns": TOLD, **settings}
    with world(folder / "w", events=str(source), **given) as logs:
        logs.compute(FIRST, SECOND)
        return logs.rows(DESCRIBED_VIDEOS, ("toldAt",)), logs.rows(VIDEO_METADATA)


def test_the_last_duration_and_the_last_title_of_a_day_hold_each_by_itself(tmp_path: Path) -> None:
    described, known = told(
        tmp_path,
        [
            {"timestamp": "2025-01-03T10:00:00Z", "long": 300, "called": "old"},
            {"timestamp": "2025-01-03T11:00:00Z", "long": None, "called": "new"},
            {"timestamp": "2025-01-03T12:00:00Z", "userId": "anna"},
            {"timestamp": "2025-01-04T10:00:00Z", "long": 310},
        ],
    )
    assert [(row["eventDate"], row["duration"], row["title"]) for row in described] == [
        (FIRST, 300.0, "new"),
        (SECOND, 310.0, None),
    ]
    assert known == [{"videoId": "video_001", "duration": 310.0, "title": "new"}]


def test_what_the_metadata_say_holds_before_what_events_tell(tmp_path: Path) -> None:
    metadata = write(
        tmp_path / "videos.json", [{"videoId": "video_001", "duration": None, "title": "delivered"}]
    )
    rows = [{"long": 300, "called": "told"}, {"videoId": "video_002", "long": 60, "called": "two"}]
    _, known = told(tmp_path, rows, video_metadata=str(metadata))
    assert known == [
        {"videoId": "video_001", "duration": 300.0, "title": "delivered"},
        {"videoId": "video_002", "duration": 60.0, "title": "two"},
    ]


@pytest.mark.parametrize(
    ("unit", "long", "seconds"),
    [("ms", 300_000, 300.0), ("iso8601", "PT5M", 300.0), ("clock", "00:05:00", 300.0)],
)
def test_durations_of_events_have_a_unit_of_their_own(
    unit: str, long: object, seconds: float, tmp_path: Path
) -> None:
    _, [known] = told(tmp_path, [{"long": long}], events_duration_unit=unit)
    assert known["duration"] == seconds


def test_durations_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    described, known = told(tmp_path, [{"long": "five minutes"}, {"long": 0, "userId": "anna"}, {}])
    assert [row["unreadableDurations"] for row in described] == [2]
    assert known == [{"videoId": "video_001", "duration": None, "title": None}]


def test_the_row_of_a_video_that_was_delivered_last_holds(tmp_path: Path) -> None:
    rows = [
        {"videoId": "v1", "duration": "PT10M", "title": "first"},
        {"videoId": "v1", "duration": "PT5M", "title": "second"},
        {"videoId": "v1", "duration": "soon", "title": None},
    ]
    metadata = write(tmp_path / "videos.json", rows)
    settings = {"video_metadata": str(metadata), "video_metadata_duration_unit": "iso8601"}
    with world(tmp_path / "w", events=str(write(tmp_path / "e.json", [EVENT])), **settings) as logs:
        staged = logs.compute(FIRST)
        assert logs.rows(VIDEO_METADATA) == [
            {"videoId": "v1", "duration": 300.0, "title": "second"}
        ]
    assert staged[VIDEO_METADATA.name].counters[UNREADABLE] == 1


def test_columns_with_our_names_describe_nothing_unless_they_are_mapped(tmp_path: Path) -> None:
    source = write(tmp_path / "events.json", [{**EVENT, "videoDuration": 300, "videoTitle": "x"}])
    with world(tmp_path / "w", events=str(source), video_metadata=None) as logs:
        logs.compute(FIRST)
        assert logs.rows(DESCRIBED_VIDEOS) == []
        assert [row["videoTitle"] for row in logs.rows(ENGAGEMENT)] == [None]
