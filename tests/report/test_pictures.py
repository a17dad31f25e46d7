"""What a materialization shows besides counts: pictures where they say it faster."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.samples import Sample
from support.world import DAILY, SORTED_OUT, UNDIVIDED, Run, World, world

from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS


@pytest.fixture(scope="module")
def assets(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(
        tmp_path_factory.mktemp("pictures"),
        events=str(sample.folder / "events"),
        video_metadata=str(sample.folder / "video_metadata.parquet"),
        start_date=sample.spec.first_day,
    ) as assets:
        yield assets


@pytest.fixture(scope="module")
def of_a_range(assets: World, sample: Sample) -> Run:
    return assets.run(sample.spec.event_days[0], sample.spec.event_days[-1])


def is_picture(text: str) -> bool:
    return text.startswith("![") and "data:image/png;base64," in text


def test_engagement_shows_hours_by_day_and_flags(of_a_range: Run) -> None:
    for name in ("hours_watched", "quality_flags"):
        assert is_picture(of_a_range.counted(ENGAGEMENT, name)), name


def test_engagement_names_no_unfinished_days_where_all_have_ended(of_a_range: Run) -> None:
    assert "unfinished_days" not in of_a_range.metadata(ENGAGEMENT)


def test_a_range_of_events_shows_the_rejected_share_by_day(of_a_range: Run) -> None:
    assert is_picture(of_a_range.counted(RAW_EVENTS, "rejected_by_day"))


def test_a_single_day_of_events_has_nothing_to_compare(assets: World, sample: Sample) -> None:
    day = assets.run(sample.spec.first_day, tables=SORTED_OUT)
    assert "rejected_by_day" not in day.metadata(RAW_EVENTS)


def test_without_any_session_there_is_no_picture(tmp_path: Path, sample: Sample) -> None:
    quiet = sample.spec.first_day - timedelta(days=2)
    events = str(sample.folder / "events")
    with world(tmp_path, events=events, start_date=quiet, video_metadata="") as assets:
        assets.compute(quiet, tables=DAILY)
        empty = assets.run(tables=UNDIVIDED)
    assert not {"hours_watched", "quality_flags"} & empty.metadata(ENGAGEMENT).keys()
