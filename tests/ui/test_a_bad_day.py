"""A bad day from end to end, as an operator lives it: all in the browser, with `dagster dev`."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect
from support.audience import (
    EVENTS_A_DAY,
    IMPOSSIBLE_VIEWERS,
    VIDEOS,
    VIEWERS,
    write_bad_day,
    write_good_day,
    write_metadata,
)
from support.dagster_dev import Ui, dagster_dev
from support.dagster_pages import DAILY_JOB, choose_days, launch
from support.samples import make_sample
from support.webhook import Webhook, free_port, listening

from resources.delta.commit import open_table
from resources.delta.stage import table_location
from resources.delta.table import Table
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS

pytestmark = pytest.mark.processes

DAYS = 3
FIRST = datetime.now(UTC).date() - timedelta(days=10)
BAD = FIRST + timedelta(days=1)
LAST = FIRST + timedelta(days=DAYS - 1)

# Twelve times two minutes on the bad day, and two minutes on each of the others.
IMPOSSIBLE_SECONDS = 12 * 120 + 2 * 120

CHECK = "watch_time_plausible"
SUBJECT = f"video/{ENGAGEMENT.name}: {CHECK}"
GROUPS = ("player_events", "engagement", "analytics", "daily_views", "lifetime_views")
CHECKS = f"/assets/video/{ENGAGEMENT.name}?view=checks&checkDetail={CHECK}"

# Dagster's daemons look every 30 seconds; a shared machine takes a multiple of its time.
RUN_MS = 200_000
ALERT_SECONDS = 120.0


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of events of which the second is bad, and daily views."""
    folder = tmp_path_factory.mktemp("source")
    make_sample(folder, events=200, days=DAYS, view_days=DAYS, first_day=FIRST, channel_videos=10)
    write_metadata(folder / "videos.parquet")
    for n in range(DAYS):
        write_good_day(folder / "watched", FIRST + timedelta(days=n))
    write_bad_day(folder / "watched", BAD)
    return folder


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with listening(Webhook(free_port())) as webhook:
        yield webhook


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warehouse")


@pytest.fixture(scope="module")
def ui(
    page: Page,  # noqa: ARG001 (without a browser nothing is started)
    source: Path,
    warehouse: Path,
    webhook: Webhook,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ui]:
    settings = {
        "WAREHOUSE": str(warehouse),
        "START_DATE": str(FIRST),
        "EVENTS": str(source / "watched" / "{date}.parquet"),
        "VIDEO_METADATA": str(source / "videos.parquet"),
        "DAILY_VIEWS": str(source / "daily_views"),
        "ALERT_URLS": f"json://127.0.0.1:{webhook.port}",
    }
    with dagster_dev(tmp_path_factory.mktemp("dagster"), settings) as ui:
        yield ui


@pytest.fixture(scope="module")
def backfill(ui: Ui, page: Page) -> str:
    """The page of a backfill of all three days, launched from the page of the daily job."""
    choose_days(page, f"{ui.url}{DAILY_JOB}", f"[{FIRST}...{LAST}]")
    return launch(page, ui.url, "Launch backfill")


@pytest.fixture(scope="module")
def completed(backfill: str, page: Page) -> str:
    page.goto(backfill)
    expect(page.get_by_text("100% completed")).to_be_visible(timeout=RUN_MS)
    return backfill


@pytest.fixture(scope="module")
def corrected(completed: str, ui: Ui, page: Page, source: Path) -> str:  # noqa: ARG001 (afterwards)
    """The page of a run of the bad day, after its source was put right."""
    write_good_day(source / "watched", BAD)
    choose_days(page, f"{ui.url}{DAILY_JOB}", str(BAD))
    return launch(page, ui.url, "Launch 1 run")


def _told(webhook: Webhook, label: str) -> list[str]:
    """The messages about the check, of problems or of their end."""
    return [
        message["message"]
        for message in webhook.received
        if message["title"].startswith(f"[{label}]") and SUBJECT in message["message"]
    ]


def _wait_for(said: Callable[[], list[str]]) -> list[str]:
    deadline = time.monotonic() + ALERT_SECONDS
    while not said() and time.monotonic() < deadline:
        time.sleep(0.2)
    return said()


def _rows(warehouse: Path, table: Table, **partition: date) -> list[dict[str, object]]:
    stored = open_table(table_location(str(warehouse), table)).scan().read_all()
    rows: list[dict[str, object]] = pa.table(stored).to_pylist()
    return [row for row in rows if all(row[name] == day for name, day in partition.items())]


def test_the_graph_shows_the_groups_and_their_assets(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/asset-groups")
    for group in GROUPS:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.goto(f"{ui.url}/locations/video_assets.definitions/asset-groups/engagement/lineage")
    for asset in ("sessions", "video_metadata"):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()


def test_three_days_launched_from_the_page_are_materialized(
    completed: str, ui: Ui, page: Page
) -> None:
    assert completed
    page.goto(f"{ui.url}/assets/video/raw_events?view=partitions")
    expect(page.get_by_text(f"Materialized ({DAYS})")).to_be_visible()


def test_the_failed_check_shows_what_is_wrong_and_the_rows(
    completed: str, ui: Ui, page: Page
) -> None:
    assert completed
    page.goto(f"{ui.url}{CHECKS}")
    found = f"({IMPOSSIBLE_VIEWERS} of {VIEWERS * VIDEOS})"
    problem = f"rows have more watch time than duration x sessions allow {found}"
    expect(page.get_by_text(problem).first).to_be_visible()
    expect(page.get_by_text("Failed").first).to_be_visible()
    row = page.get_by_role("row", name=f"viewer_03 video_1 {IMPOSSIBLE_SECONDS} 120 {DAYS}")
    expect(row.last).to_be_visible()


def test_exactly_one_message_about_it_reaches_the_webhook(completed: str, webhook: Webhook) -> None:
    assert completed
    [message] = _wait_for(lambda: _told(webhook, "WARN"))
    assert f"({IMPOSSIBLE_VIEWERS} of {VIEWERS * VIDEOS})" in message
    assert "/runs/" in message


def test_the_backfill_has_succeeded(completed: str, page: Page) -> None:
    page.goto(completed)
    # The state, and the head of a column.
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(2, timeout=RUN_MS)


def test_the_day_runs_again_after_its_source_was_corrected(corrected: str, page: Page) -> None:
    page.goto(corrected)
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_MS)


def test_one_message_says_that_it_is_over(corrected: str, webhook: Webhook) -> None:
    assert corrected
    assert len(_wait_for(lambda: _told(webhook, "RECOVERED"))) == 1
    assert len(_told(webhook, "WARN")) == 1


def test_the_tables_are_clean_again(corrected: str, ui: Ui, page: Page, warehouse: Path) -> None:
    assert corrected
    flags = {row["dataQualityFlag"] for row in _rows(warehouse, ENGAGEMENT)}
    assert flags == {"ok"}
    assert len(_rows(warehouse, RAW_EVENTS, eventDate=BAD)) == EVENTS_A_DAY
    page.goto(f"{ui.url}{CHECKS}")
    expect(page.get_by_text("Succeeded").nth(9)).to_be_visible()
    expect(page.get_by_text("Failed")).to_have_count(0)
