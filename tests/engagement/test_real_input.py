"""Events of a real platform, with watch times that its own makers stated."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from support.world import Row, Run, World, world

from resources.delta.warehouse import Warehouse
from video_assets.analytics.tables import COMPLETION_FORECAST
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "player_events_aspects"

pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="the events of Open edX Aspects are not beside the repository"
)

Pair = tuple[str, str]


def rows_of(name: str) -> list[Row]:
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def source() -> list[Row]:
    return rows_of("events.csv")


@pytest.fixture(scope="module")
def filled(
    source: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Run]]:
    day = date(2024, 1, 1)
    assert {row["timestamp"][:10] for row in source} == {day.isoformat()}
    settings = {"events": str(FOLDER / "events.csv"), "video_metadata": None, "start_date": day}
    with world(tmp_path_factory.mktemp("aspects"), **settings) as events:
        yield events, events.run(day)


@pytest.fixture(scope="module")
def ran(filled: tuple[World, Run]) -> tuple[Run, Mapping[Pair, Row]]:
    events, run = filled
    return run, {(row["userId"], row["videoId"]): row for row in events.rows(ENGAGEMENT)}


def test_watch_and_unique_seconds_are_the_expected_ones(
    ran: tuple[Run, Mapping[Pair, Row]],
) -> None:
    _, found = ran
    expected = rows_of("expected.csv")
    assert len(expected) == 90
    measures = ("totalWatchTime", "totalUniqueSecondsWatched")
    wanted = {
        (row["userId"], row["videoId"]): [float(row[name]) for name in measures] for row in expected
    }
    assert {pair: [found[pair][name] for name in measures] for pair in wanted} == {
        pair: pytest.approx(seconds) for pair, seconds in wanted.items()
    }


def test_no_real_row_is_lost(ran: tuple[Run, Mapping[Pair, Row]], source: list[Row]) -> None:
    run, found = ran
    assert run.counted(RAW_EVENTS, "source_rows") == len(source)
    kept = run.counted(RAW_EVENTS, "rows_written") + run.counted(RAW_EVENTS, "duplicates")
    assert kept + run.counted(REJECTED_EVENTS, "rows_written") == len(source)
    assert set(found) == {(row["userId"], row["videoId"]) for row in source}


def test_a_log_of_one_day_makes_no_forecast_and_says_why(filled: tuple[World, Run]) -> None:
    events, _ = filled
    events.compute(tables=(COMPLETION_FORECAST,))
    assert events.rows(COMPLETION_FORECAST) == []
    origin = Warehouse(events.settings.warehouse).origin(COMPLETION_FORECAST)
    assert origin == {"finding": "There are less than 15 days of sessions to learn from."}
