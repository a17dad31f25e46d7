"""The first hour of somebody new, in a browser: a clone, its demo, and own data.

Pictures of the pages, in light and dark, come into the folder that TOUR_PICTURES names.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionStatus,
    PartitionBackfill,
)
from playwright.sync_api import Browser, Page, expect
from support.audience import write_good_day, write_metadata
from support.dagster_dev import ROOT, Ui, dagster_dev
from support.dagster_pages import DAILY_JOB, Camera, choose_days, launch
from support.samples import make_sample

pytestmark = [pytest.mark.processes, pytest.mark.at_length, pytest.mark.timeout(1800)]

DEMO_SECONDS = 900
RUN_MS = 300_000
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)

GROUPS = ("player_events", "engagement", "analytics", "daily_views", "lifetime_views")
ASSETS = (
    "video/raw_events",
    "video/sessions",
    "video/aggregated_user_video_engagement",
    "video/video_performance",
    "video/video_daily",
    "video/monthly_views",
    "video/missing_dates",
    "video/lifetime_snapshots",
)

OWN_DAYS = [YESTERDAY - timedelta(days=n) for n in (2, 1, 0)]
BAD = OWN_DAYS[1]
EVENTS_PAGE = "/assets/video/raw_events"
STARTED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
SUCCEEDED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
CHECK = f"{EVENTS_PAGE}?view=checks&checkDetail=few_rejected_rows"


@pytest.fixture(scope="module")
def camera(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    folder = os.environ.get("TOUR_PICTURES") or tmp_path_factory.mktemp("pictures")
    camera = Camera(browser, Path(folder).absolute())
    yield camera
    camera.close()


@pytest.fixture(scope="module")
def clone(camera: Camera, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (skips)
    """What git has of this repository, with the packages of this environment, after `make demo`."""
    folder = tmp_path_factory.mktemp("clone") / "video_assets"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)  # noqa: S607 (of the PATH)
    (folder / ".venv").symlink_to(sys.prefix)
    foreign = ("VIDEO_ASSETS_", "DAGSTER_", "PYTEST_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    # Installed already, and not to be installed again.
    made = subprocess.run(
        ["make", "--assume-old=.venv/.ready", "demo"],  # noqa: S607 (of the PATH)
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(folder), "DAGSTER_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-3_000:]
    return folder


@pytest.fixture(scope="module")
def demo(clone: Path) -> Iterator[Ui]:
    with dagster_dev(clone, {}, code=clone) as ui:
        yield ui


def ran(page: Page, address: str) -> None:
    """Wait until the page of a run or of a backfill says that it went well."""
    page.goto(address)
    if "/runs/b/" not in address:
        ended = page.get_by_text(re.compile("^(Success|Failure)$")).first
        expect(ended).to_have_text("Success", timeout=RUN_MS)
        return
    expect(page.get_by_text("100% completed")).to_be_visible(timeout=RUN_MS)
    # The state, and the head of a column.
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(2, timeout=RUN_MS)


def state(address: str) -> str:
    """What the page of a backfill or of a run calls the good end."""
    return "Succeeded" if "/runs/b/" in address else "Success"


def test_the_pages_of_the_demo(demo: Ui, camera: Camera) -> None:
    camera.take("catalog", f"{demo.url}/assets", "Catalog")
    camera.take("lineage", f"{demo.url}/asset-groups", *GROUPS)
    for group in GROUPS:
        place = f"{demo.url}/locations/video_assets.definitions/asset-groups/{group}/lineage"
        camera.take(f"group-{group}", place, group)
    for asset in ASSETS:
        camera.take(f"asset-{asset.split('/')[1]}", f"{demo.url}/assets/{asset}", "Columns")
    camera.take("days", f"{demo.url}{EVENTS_PAGE}?view=partitions", "Partitions")
    camera.take("check", f"{demo.url}{EVENTS_PAGE}?view=checks", "few_rejected_rows")
    camera.take("automation", f"{demo.url}/automation", "daily_at_two", "alerts")
    camera.take("runs", f"{demo.url}/runs", "Runs")
    camera.take("timeline", f"{demo.url}/overview", "Overview")


def test_the_report_of_the_demo(clone: Path, demo: Ui, camera: Camera) -> None:
    assert demo
    camera.take("report", (clone / "data/warehouse/report/index.html").as_uri())


def test_the_days_of_the_demo_have_passed_and_none_is_skipped(demo: Ui, page: Page) -> None:
    page.goto(f"{demo.url}{EVENTS_PAGE}?view=checks&checkDetail=few_rejected_rows")
    expect(page.get_by_text("delivered_in_time").first).to_be_visible()
    expect(page.get_by_text("Skipped", exact=True)).to_have_count(0)


def test_one_day_alone(demo: Ui, page: Page, camera: Camera) -> None:
    choose_days(page, f"{demo.url}{EVENTS_PAGE}", str(YESTERDAY), "Materialize…")
    run = launch(page, demo.url, "Launch 1 run")
    ran(page, run)
    camera.take("one-day", run, state(run))


def test_a_backfill_of_three_days(demo: Ui, page: Page, camera: Camera) -> None:
    days = f"[{YESTERDAY - timedelta(days=2)}...{YESTERDAY}]"
    choose_days(page, f"{demo.url}{DAILY_JOB}", days)
    backfill = launch(page, demo.url, "Launch backfill")
    ran(page, backfill)
    camera.take("backfill", backfill, state(backfill))


def test_everything_at_once(clone: Path, demo: Ui, page: Page, camera: Camera) -> None:
    choose_days(page, f"{demo.url}/asset-groups", str(YESTERDAY))
    backfill = launch(page, demo.url, re.compile("^Launch"))
    asked = backfill.rpartition("/")[2]
    with history(clone) as instance:
        wait_until(lambda: backfill_of(instance, asked).status in BULK_ACTION_TERMINAL_STATUSES)
        assert backfill_of(instance, asked).status is BulkActionStatus.COMPLETED_SUCCESS
    camera.take("everything", backfill, "Succeeded")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """Dagster with a home and a warehouse for own data: three days, of which one is bad."""
    folder = tmp_path_factory.mktemp("own")
    deliver_own_days(folder)
    spoil(folder / "events" / f"{BAD}.parquet")
    with dagster_dev(folder, settings_of(folder)) as ui:
        yield ui


def deliver_own_days(folder: Path) -> None:
    days = len(OWN_DAYS)
    make_sample(folder / "sample", events=200, days=days, first_day=OWN_DAYS[0], view_days=days)
    for day in OWN_DAYS:
        write_good_day(folder / "events", day)
    write_metadata(folder / "videos.parquet")


def settings_of(folder: Path) -> dict[str, str]:
    return {
        "WAREHOUSE": str(folder / "warehouse"),
        "EVENTS": str(folder / "events" / "{date}.parquet"),
        "VIDEO_METADATA": str(folder / "videos.parquet"),
        "DAILY_VIEWS": str(folder / "sample" / "daily_views"),
        "START_DATE": str(OWN_DAYS[0]),
    }


def spoil(path: Path) -> None:
    """Take the user of every fifth event away."""
    rows = pq.read_table(path).to_pylist()
    spoiled = [row | {"userId": None} if n % 5 == 0 else row for n, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(spoiled), path)


@pytest.fixture(scope="module")
def loaded(own: Ui, page: Page) -> Ui:
    choose_days(page, f"{own.url}{DAILY_JOB}", f"[{OWN_DAYS[0]}...{OWN_DAYS[-1]}]")
    ran(page, launch(page, own.url, re.compile("^Launch")))
    return own


def failing_days(page: Page, ui: Ui) -> str:
    """How many days of the check fail, as its page counts them."""
    page.goto(f"{ui.url}{CHECK}")
    expect(page.get_by_text("Latest execution")).to_be_visible()
    page.get_by_text("Partitions", exact=True).last.click()
    expect(page.get_by_text(re.compile(r"^Execution Failed\s*\(0\)$"))).to_be_visible()
    counted = page.get_by_text(re.compile(r"^Failed\s*\(\d+\)$"))
    expect(counted).to_be_visible()
    return "".join(filter(str.isdigit, counted.inner_text()))


def test_a_check_that_fails_shows_on_which_day(loaded: Ui, page: Page, camera: Camera) -> None:
    assert failing_days(page, loaded) == "1"
    camera.take("failing-check", page.url, str(BAD))


def test_a_later_good_day_hides_no_bad_one(loaded: Ui, page: Page) -> None:
    choose_days(page, f"{loaded.url}{EVENTS_PAGE}", str(OWN_DAYS[-1]), "Materialize…")
    ran(page, launch(page, loaded.url, "Launch 1 run"))
    assert failing_days(page, loaded) == "1"


def test_a_mended_day_is_good_again(loaded: Ui, page: Page) -> None:
    write_good_day(loaded.folder / "events", BAD)
    choose_days(page, f"{loaded.url}{EVENTS_PAGE}", str(BAD), "Materialize…")
    ran(page, launch(page, loaded.url, "Launch 1 run"))
    assert failing_days(page, loaded) == "0"


def test_a_run_goes_on_after_everything_was_killed(
    page: Page, camera: Camera, tmp_path: Path
) -> None:
    deliver_own_days(tmp_path)
    with dagster_dev(tmp_path, settings_of(tmp_path), stopped_by=(signal.SIGKILL,)) as ui:
        choose_days(page, f"{ui.url}{EVENTS_PAGE}", str(YESTERDAY), "Materialize…")
        killed = launch(page, ui.url, "Launch 1 run").rpartition("/")[2]
        with history(tmp_path) as instance:
            wait_until(lambda: killed in {run.run_id for run in instance.get_runs(STARTED)})
    with dagster_dev(tmp_path, settings_of(tmp_path)) as ui, history(tmp_path) as instance:
        wait_until(lambda: bool(instance.get_runs(SUCCEEDED)))
        [again] = instance.get_runs(SUCCEEDED)
        assert again.root_run_id == killed
        camera.take("after-a-crash", f"{ui.url}/runs", "Success")


@contextmanager
def history(folder: Path) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DAGSTER_HOME", str(folder / "home"))
        with dg.DagsterInstance.get() as instance:
            yield instance


def backfill_of(instance: dg.DagsterInstance, asked: str) -> PartitionBackfill:
    found = instance.get_backfill(asked)
    assert found
    return found


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RUN_MS / 1_000
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(1)
