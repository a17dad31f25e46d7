"""Lifetime counts: asked today and only today, each video once, or kept as they were."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from support.source_files import write
from support.views import LARGE, view
from support.world import MISSING, VIEWS, Run, World, world
from support.youtube_server import API_KEY, Api, Call, Reply, refusal, youtube_server

from video_assets.daily_views.tables import MISSING_DATES
from video_assets.lifetime_views import assets as lifetime_views
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY

FIRST = date(2025, 1, 1)
TODAY = date(2025, 1, 9)
SNAPSHOTS = (LIFETIME_SNAPSHOTS,)
BATCH = 50

IsToday = Callable[..., None]

# Days of snapshots run one by one, those of other tables together.
several_policies = pytest.mark.filterwarnings(
    "ignore:Asset job .* materializes assets with varying BackfillPolicies:UserWarning"
)


@pytest.fixture
def is_today(monkeypatch: pytest.MonkeyPatch) -> IsToday:
    """Sets the day that it is: one after the other each time the step asks, then the last."""

    def set_days(*days: date) -> None:
        left = list(days)
        monkeypatch.setattr(
            lifetime_views, "_today", lambda: left.pop(0) if len(left) > 1 else left[0]
        )

    set_days(TODAY)
    return set_days


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("YOUTUBE_API_KEY", API_KEY)
    with youtube_server() as server:
        server.knows_every_id = True
        yield server


@pytest.fixture
def views(api: Api, tmp_path: Path) -> Iterator[World]:
    """A pipeline that asks the server, over the views that `deliver` delivers."""
    settings = {"view_count_source": "youtube", "youtube_url": api.base_url}
    source = str(tmp_path / "views.parquet")
    with world(tmp_path / "w", daily_views=source, start_date=FIRST, **settings) as made:
        yield made


def deliver(views: World, *videos: str, **changed: Any) -> None:
    """Two days of each of the videos, in the table of daily views."""
    rows = [
        view(video, day, created_date=FIRST, **changed)
        for video in videos
        for day in (FIRST, FIRST + timedelta(days=1))
    ]
    write(Path(views.settings.daily_views), rows)
    views.compute(FIRST, FIRST + timedelta(days=1), tables=VIEWS)


def numbered(count: int) -> list[str]:
    return [f"v{number:03}" for number in range(count)]


def asked(calls: Sequence[Call]) -> list[str]:
    return sorted(video for call in calls for video in call.ids)


def counts(views: World) -> dict[tuple[str, date], int | None]:
    return {
        (row["video_id"], row["date"]): row["viewCount"] for row in views.rows(LIFETIME_SNAPSHOTS)
    }


@pytest.mark.usefixtures("is_today")
@pytest.mark.parametrize("videos", [1, BATCH, BATCH + 1, 230])
def test_today_asks_for_each_video_once_in_as_few_calls_as_there_can_be(
    videos: int, views: World, api: Api
) -> None:
    deliver(views, *numbered(videos))
    run = views.run(TODAY, tables=SNAPSHOTS)
    assert asked(api.calls) == numbered(videos)
    assert len(api.calls) == ceil(videos / BATCH)
    assert run.counted(LIFETIME_SNAPSHOTS, "calls") == len(api.calls)
    assert run.counted(LIFETIME_SNAPSHOTS, "counted") == videos
    assert counts(views) == {(video, TODAY): 7 for video in numbered(videos)}


@pytest.mark.usefixtures("is_today")
def test_a_snapshot_carries_the_video_as_the_daily_views_know_it(views: World, api: Api) -> None:
    deliver(views, "v")
    api.counts = {"v": "12"}
    views.run(TODAY, tables=SNAPSHOTS)
    assert views.rows(LIFETIME_SNAPSHOTS) == [
        {
            "channel_id": "c1",
            "created_date": FIRST,
            "date": TODAY,
            "video_id": "v",
            "viewCount": 12,
        }
    ]


@pytest.mark.usefixtures("is_today")
def test_today_again_asks_again_and_replaces(views: World, api: Api) -> None:
    deliver(views, "v", "w")
    api.counts = {"v": "10", "w": "20"}
    views.run(TODAY, tables=SNAPSHOTS)
    api.counts = {"v": "11"}
    api.knows_every_id = False
    views.run(TODAY, tables=SNAPSHOTS)
    assert len(api.calls) == 2
    assert counts(views) == {("v", TODAY): 11}


def test_every_day_keeps_its_own_snapshot(views: World, api: Api, is_today: IsToday) -> None:
    deliver(views, "v")
    for number in range(3):
        day = TODAY + timedelta(days=number)
        is_today(day)
        api.counts = {"v": str(100 + number)}
        views.run(day, tables=SNAPSHOTS)
    assert [count for _, count in sorted(counts(views).items())] == [100, 101, 102]


def test_the_simulator_is_asked_on_the_real_day(tmp_path: Path) -> None:
    write(tmp_path / "views.parquet", [view(video, FIRST) for video in numbered(21)])
    with world(tmp_path / "w", daily_views=str(tmp_path / "views.parquet")) as views:
        views.compute(FIRST, tables=VIEWS)
        today = datetime.now(UTC).date()
        run = views.run(today, tables=SNAPSHOTS)
        assert run.counted(LIFETIME_SNAPSHOTS, "calls") == 3
        assert {day for _, day in counts(views)} == {today}
        assert all(count is not None for count in counts(views).values())


def test_a_past_day_keeps_its_snapshot_without_a_call(
    views: World, api: Api, is_today: IsToday
) -> None:
    deliver(views, "v", "w")
    views.run(TODAY, tables=SNAPSHOTS)
    before, files = counts(views), views.files()
    is_today(TODAY + timedelta(days=1))
    run = views.run(TODAY, tables=SNAPSHOTS)
    assert len(api.calls) == 1
    assert counts(views) == before
    assert views.files() == files
    [said] = run.metadata_by_partition(LIFETIME_SNAPSHOTS).values()
    assert said["kept_rows"] == 2


@pytest.mark.usefixtures("is_today")
def test_a_past_day_without_a_snapshot_warns_and_the_rest_of_the_run_goes_on(
    views: World, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(views, "v")
    views.run(TODAY, tables=SNAPSHOTS)
    past = FIRST + timedelta(days=1)
    run = views.run(past, tables=(*SNAPSHOTS, *MISSING))
    assert run.succeeded
    assert run.metadata_by_partition(LIFETIME_SNAPSHOTS) == {}
    assert run.counted(MISSING_DATES, "videos") == 0
    assert len(api.calls) == 1
    assert {day for _, day in counts(views)} == {TODAY}
    assert [text for text in warnings_in(capsys) if f"{past} has no snapshot" in text]


def warnings_in(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines of the run's log, which Dagster writes where no handler of pytest sees it."""
    return [line for line in capsys.readouterr().err.splitlines() if " WARNING " in line]


@several_policies
@pytest.mark.usefixtures("is_today")
def test_the_history_of_a_past_day_without_a_snapshot_needs_a_run_of_its_own(
    views: World, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(views, "v")
    run = views.run(FIRST, tables=(LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY))
    assert run.metadata_by_partition(LIFETIME_VIEW_HISTORY) == {}
    advice = "materialize lifetime_view_history of that day in a run of its own"
    assert [text for text in warnings_in(capsys) if advice in text]
    views.run(FIRST, tables=[LIFETIME_VIEW_HISTORY])
    assert len(views.rows(LIFETIME_VIEW_HISTORY)) == 1


def test_a_range_asks_once_for_today_and_keeps_the_past_as_it_is(
    views: World, api: Api, is_today: IsToday, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(views, "v")
    yesterday = TODAY - timedelta(days=1)
    is_today(yesterday)
    views.run(yesterday, tables=SNAPSHOTS)
    is_today(TODAY)
    api.counts = {"v": "9"}
    run = views.run(FIRST, TODAY, tables=SNAPSHOTS)
    assert len(api.calls) == 2
    assert counts(views) == {("v", yesterday): 7, ("v", TODAY): 9}
    found = run.metadata_by_partition(LIFETIME_SNAPSHOTS)
    assert set(found) == {str(yesterday), str(TODAY)}
    assert found[str(yesterday)]["kept_rows"] == 1
    span = f"{FIRST} to {yesterday - timedelta(days=1)} have no snapshot"
    assert [text for text in warnings_in(capsys) if span in text]


@pytest.mark.usefixtures("is_today")
def test_a_past_day_without_any_snapshots_leaves_no_table(views: World) -> None:
    deliver(views, "v")
    assert views.run(FIRST, tables=SNAPSHOTS).succeeded
    assert not views.folder(LIFETIME_SNAPSHOTS).exists()


def refuse_call(number: int, api: Api, monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    answer = api.answer

    def refuse(call: Call) -> Reply:
        answered = answer(call)
        return reply if len(api.calls) == number else answered

    monkeypatch.setattr(api, "answer", refuse)


@pytest.mark.usefixtures("is_today")
def test_a_failure_half_way_writes_nothing_and_leaves_the_old_snapshot_whole(
    views: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(views, *numbered(4 * BATCH))
    views.run(TODAY, tables=SNAPSHOTS)
    before, files = counts(views), views.files()
    api.calls.clear()
    api.counts = dict.fromkeys(numbered(4 * BATCH), "8")
    reply = refusal(403, "quotaExceeded", f"quota of key {API_KEY} exceeded")
    refuse_call(3, api, monkeypatch, reply)
    run = views.with_settings(view_count_requests=1).attempt(TODAY, tables=SNAPSHOTS)
    assert len(api.calls) == 3
    require_clear_error(run, "quota", "lifetime_snapshots")
    assert counts(views) == before
    assert views.files() == files


def require_clear_error(run: Run, *parts: str) -> None:
    assert not run.succeeded
    [failure] = run.result.get_step_failure_events()
    whole = str(failure.step_failure_data.error)
    assert API_KEY not in whole
    message = run.error.message.strip()
    assert [part for part in parts if part not in message] == []
    assert "\n" not in message
    assert len(message) < 600


@pytest.mark.usefixtures("is_today")
def test_a_refused_key_fails_with_its_remedy_and_without_the_key(views: World, api: Api) -> None:
    deliver(views, "v")
    api.replies.append(refusal(400, "keyInvalid", f"API key {API_KEY} not valid"))
    run = views.attempt(TODAY, tables=SNAPSHOTS)
    require_clear_error(run, "YOUTUBE_API_KEY")
    assert len(api.calls) == 1


@pytest.mark.usefixtures("is_today")
def test_without_a_key_nothing_is_asked(
    views: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(views, "v")
    monkeypatch.delenv("YOUTUBE_API_KEY")
    run = views.attempt(TODAY, tables=SNAPSHOTS)
    require_clear_error(run, "YOUTUBE_API_KEY is not set")
    assert api.calls == []


@pytest.mark.usefixtures("is_today")
def test_unknown_videos_are_reported_and_hidden_and_huge_counts_kept(
    views: World, api: Api
) -> None:
    deliver(views, *numbered(20))
    api.knows_every_id = False
    api.counts = {"v000": str(LARGE), "v001": None, "v002": str(2**63 - 1), "v003": "0"}
    run = views.run(TODAY, tables=SNAPSHOTS)
    wanted = {"v000": LARGE, "v001": None, "v002": 2**63 - 1, "v003": 0}
    assert counts(views) == {(video, TODAY): count for video, count in wanted.items()}
    said = {name: run.counted(LIFETIME_SNAPSHOTS, name) for name in ("counted", "hidden")}
    assert said == {"counted": 3, "hidden": 1}
    assert run.counted(LIFETIME_SNAPSHOTS, "unknown") == 16
    assert run.counted(LIFETIME_SNAPSHOTS, "videos_without_answer") == numbered(14)[4:]
    assert len(api.calls) == 1


@pytest.mark.usefixtures("is_today")
def test_a_day_that_knows_no_video_any_more_becomes_empty(views: World, api: Api) -> None:
    deliver(views, "v", "w")
    views.run(TODAY, tables=SNAPSHOTS)
    api.knows_every_id = False
    run = views.run(TODAY, tables=SNAPSHOTS)
    assert counts(views) == {}
    assert run.counted(LIFETIME_SNAPSHOTS, "videos_without_answer") == ["v", "w"]


def test_without_videos_nobody_is_asked(views: World, api: Api, is_today: IsToday) -> None:
    is_today(TODAY)
    write(Path(views.settings.daily_views), [view("v", FIRST)])
    views.compute(FIRST + timedelta(days=1), tables=VIEWS)
    run = views.run(TODAY, tables=SNAPSHOTS)
    assert api.calls == []
    assert counts(views) == {}
    assert run.counted(LIFETIME_SNAPSHOTS, "calls") == 0


def test_midnight_that_passes_while_asking_writes_nothing(
    views: World, api: Api, is_today: IsToday
) -> None:
    deliver(views, "v")
    files = views.files()
    is_today(TODAY, TODAY + timedelta(days=1))
    run = views.attempt(TODAY, tables=SNAPSHOTS)
    assert len(api.calls) == 1
    assert not run.succeeded
    [failure] = run.result.get_step_failure_events()
    assert "Midnight (UTC) passed" in str(failure.step_failure_data)
    assert f"materialize {TODAY + timedelta(days=1)} instead" in str(failure.step_failure_data)
    assert views.files() == files
