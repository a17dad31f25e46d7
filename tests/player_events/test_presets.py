"""Player events as well-known players send them, by settings alone."""

import csv
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from rich.console import Console
from support.world import TABLES, world

from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sample_data.player_logs import PLAYER_SAMPLES
from video_assets.sample_data.player_logs.story import DURATION, TITLE
from video_assets.settings import Settings
from video_assets.settings.events import PRESETS
from video_assets.try_events import settings_of, try_events
from video_assets.vocabulary import IGNORED

FIRST_DAY = date(2025, 1, 7)
ASPECTS = Path(__file__).parents[3] / "shared" / "data" / "player_events_aspects"


@pytest.mark.parametrize("name", PLAYER_SAMPLES)
def test_a_preset_and_a_path_are_all_that_a_log_needs(name: str, tmp_path: Path) -> None:
    sample = PLAYER_SAMPLES[name](tmp_path / "source")
    settings = settings_of(name, sample, tmp_path).model_dump(exclude={"warehouse"})
    with world(tmp_path / "w", **settings) as logs:
        staged = logs.compute(sample.first_day, sample.last_day, tables=TABLES)
        engagement, refused = logs.rows(ENGAGEMENT), logs.rows(REJECTED_EVENTS)
    watched = {(row["userId"], row["videoId"]): row["totalWatchTime"] for row in engagement}
    assert watched == pytest.approx(sample.watched)
    assert Counter(row["reason"] for row in refused) == sample.refused
    assert staged[RAW_EVENTS.name].counters[IGNORED] == sample.ignored
    [ann] = (row for row in engagement if row["userId"].endswith("ann"))
    assert (ann["videoDuration"], ann["isDurationEstimated"]) == (DURATION, False)
    assert ann["videoTitle"] == sample.title
    known = {row["userId"]: json.loads(row["firstDimensions"] or "{}") for row in engagement}
    devices = {user: known[user].get("device") for user in known if user in sample.devices}
    assert devices == sample.devices
    ended = {row["userId"][-3:] for row in engagement if row["isCompletedAtLeastOnce"]}
    assert ended == set(sample.ended)


def test_who_tries_a_preset_sees_what_its_events_tell_of_the_video(tmp_path: Path) -> None:
    sample = PLAYER_SAMPLES["xapi"](tmp_path / "source")
    page = Console(file=StringIO(), width=250, record=True)
    for shown in try_events("xapi", sample, tmp_path / "w"):
        page.print(shown)
    [ann] = (line for line in page.export_text().splitlines() if "/ann" in line and TITLE in line)
    assert str(DURATION) in ann


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_preset_of_events_has_a_sample_and_a_section_in_the_docs(path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "sources.md"
    assert path.stem in PLAYER_SAMPLES
    assert f"## `{path.stem}`" in page.read_text("utf-8")


def test_a_setting_of_ones_own_holds_before_the_preset_of_events() -> None:
    settings = Settings(_env_file=None, events_preset="openedx", events_session="column")
    assert settings.events_session == "column"
    assert settings.events_other_names == "ignore"


def test_a_preset_of_events_that_makes_other_settings_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('daily_views_format = "csv"', "utf-8")
    with pytest.raises(ValidationError, match=r"(?s)events_preset.*makes .*'daily_views_format'"):
        Settings(_env_file=None, events_preset=str(own))


PLAY, PAUSE, SEEK, STOP = "play_video", "pause_video", "seek_video", "stop_video"

# The viewing cases that edX's own pipeline publishes: events as second, name, position (of a seek:
# where it left, and went); then the seconds watched by its rule, and by ours.
EDX_CASES = {
    "simple viewing": ([(0, PLAY, 0), (3, PAUSE, 3)], 3, 3),
    "any order": ([(3, PAUSE, 3), (0, PLAY, 0)], 3, 3),
    "scientific notation": ([(0, PLAY, 0), (3, PAUSE, 1.2e2)], 120, 0),
    "several viewings": ([(0, PLAY, 0), (3, PAUSE, 3), (7, PLAY, 0), (12, STOP, 5)], 8, 8),
    "seek backwards": ([(0, PLAY, 0), (3, SEEK, 3, 2), (3.1, PLAY, 2), (6, PAUSE, 5)], 6, 6),
    "play after a seek with the position before it": (
        [(0, PLAY, 0), (3, SEEK, 3, 8), (3.1, PLAY, 3), (6, PAUSE, 11)],
        6,
        6,
    ),
    "many plays at once": ([*((n / 10, PLAY, n) for n in range(7)), (3, PAUSE, 9)], 3, 9),
    "events that begin nothing": (
        [(1, SEEK, None, 2), (2, PAUSE, 1), (3, PLAY, 0), (6, PAUSE, 3), (7, PAUSE, 1)],
        3,
        3,
    ),
    "a seek first": ([(1, SEEK, 1, 2), (3, PLAY, 0), (6, PAUSE, 3), (7, PAUSE, 1)], 3, 1),
    "no end": ([(0, PLAY, 0)], 0, 0),
    "a page between": ([(3, PLAY, 0), (5, "/foobar", None), (6, PAUSE, 3)], 3, 3),
    "very short": ([(0, PLAY, 0), (0.1, PAUSE, 0.1)], 0, 0.1),
    "backwards without a seek": ([(0, PLAY, 3), (3, PAUSE, 0)], 0, 0),
}


def test_the_viewing_cases_that_edx_publishes_differ_as_the_docs_say(tmp_path: Path) -> None:
    lines = [
        _edx_line(case, *event) for case, (events, _, _) in EDX_CASES.items() for event in events
    ]
    (tmp_path / "tracking.log").write_text("\n".join(lines), "utf-8")
    settings = {"events": str(tmp_path / "tracking.log"), "events_preset": "openedx"}
    with world(tmp_path / "w", video_metadata=None, **settings) as logs:
        logs.compute(FIRST_DAY)
        watched = {row["userId"]: row["totalWatchTime"] for row in logs.rows(ENGAGEMENT)}
    assert watched == pytest.approx({case: ours for case, (_, _, ours) in EDX_CASES.items()})
    differing = {case for case, (_, theirs, ours) in EDX_CASES.items() if theirs != ours}
    assert differing == {"scientific notation", "many plays at once", "a seek first", "very short"}


def _edx_line(
    user: str, second: float, name: str, position: float | None, target: float | None = None
) -> str:
    times = {"currentTime": position}
    if name == SEEK:
        times = {"old_time": position, "new_time": target}
    return json.dumps(
        {
            "username": user,
            "event_type": name,
            "event_source": "browser",
            "time": (datetime(2025, 1, 7, tzinfo=UTC) + timedelta(seconds=second)).isoformat(),
            "context": {"course_id": "course-v1:edX+Cases+2025"},
            "event": json.dumps({"id": "i4x-foo-bar-baz", "code": "html5", **times}),
        }
    )


@pytest.mark.skipif(
    not ASPECTS.exists(), reason="the events of Open edX Aspects are not beside the repository"
)
def test_events_of_aspects_as_statements_give_the_seconds_that_their_makers_state(
    tmp_path: Path,
) -> None:
    lines = "\n".join(json.dumps(_statement(row)) for row in _rows(ASPECTS / "events.csv"))
    (tmp_path / "statements.jsonl").write_text(lines, "utf-8")
    settings = {"events": str(tmp_path / "statements.jsonl"), "events_preset": "xapi"}
    with world(
        tmp_path / "w", video_metadata=None, start_date=date(2024, 1, 1), **settings
    ) as logs:
        logs.compute(date(2024, 1, 1))
        found = {(row["userId"], row["videoId"]): row for row in logs.rows(ENGAGEMENT)}
        assert logs.rows(REJECTED_EVENTS) == []
    stated = _rows(ASPECTS / "expected.csv")
    assert len(stated) == 90
    for row in stated:
        ours = found[f"https://lms.example.org/{row['userId']}", row["videoId"]]
        for name in ("totalWatchTime", "totalUniqueSecondsWatched"):
            assert ours[name] == pytest.approx(float(row[name])), row


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _statement(row: dict[str, str]) -> dict[str, Any]:
    profile = "https://w3id.org/xapi/video"
    verb = {"video_play": "played"}.get(row["eventName"], "paused")
    account = {"homePage": "https://lms.example.org", "name": row["userId"]}
    return {
        "actor": {"account": account},
        "verb": {"id": f"{profile}/verbs/{verb}"},
        "object": {"id": row["videoId"]},
        "result": {"extensions": {f"{profile}/extensions/time": float(row["currentTime"])}},
        "context": {"extensions": {f"{profile}/extensions/session-id": row["sessionId"]}},
        "timestamp": row["timestamp"],
    }
