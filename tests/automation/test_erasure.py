"""The job `erase_users` on real tables and a real Dagster home, byte by byte."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from shutil import copytree

import dagster as dg
import pytest
from support import forked
from support.restless import Tables, bits, delivered_events, restless_events
from support.world import ENGAGEMENT, RAW_EVENTS, SESSIONS, TABLES, Row, World, world

from resources.delta.erasure import occurrences, whole_words
from resources.runs.redaction import files_with
from video_assets.analytics.tables import DIMENSION_DAILY, VIDEO_DAILY
from video_assets.automation.erasure import JOB, ErasureError
from video_assets.player_events.tables import ERASED_USERS
from video_assets.settings import SettingsError

DAYS = tuple(date(2025, 3, 1) + timedelta(days=n) for n in range(3))
PERSON = 'zoe "the viewer" o\'neil'
KEY = "k" * 32


def person(row: Row) -> Row:
    return {**row, "userId": PERSON} if row["userId"] == "ann" else row


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Events of four viewers, some of them refused, so that their text is kept."""
    events = [person(row) for row in restless_events(5, DAYS)]
    refused = [{**row, "currentTime": -1.0} for row in events[:40]]
    return [*events, *refused]


def platform(folder: Path, home: dg.DagsterInstance, rows: Sequence[Row]) -> World:
    settings = delivered_events(folder, rows, DAYS[0])
    return World(folder / "warehouse", home, erasure_key=KEY, **settings)


@pytest.fixture(scope="module")
def after_some_runs(
    tmp_path_factory: pytest.TempPathFactory, new_instance: Path, rows: Sequence[Row]
) -> Path:
    """What a platform that was used left on disk; each test has a copy of its own."""
    folder = tmp_path_factory.mktemp("used")
    copytree(new_instance, folder / "home")
    with dg.DagsterInstance.local_temp(str(folder / "home")) as instance:
        used = platform(folder, instance, rows)
        used.compute(DAYS[0], DAYS[1])
        used.run(DAYS[0], DAYS[-1])
    return folder


@pytest.fixture
def home(tmp_path: Path, after_some_runs: Path) -> Iterator[dg.DagsterInstance]:
    copytree(after_some_runs, tmp_path, dirs_exist_ok=True)
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        yield instance


@pytest.fixture
def used(tmp_path: Path, home: dg.DagsterInstance, rows: Sequence[Row]) -> World:
    return platform(tmp_path, home, rows)


def erase(used: World, instance: dg.DagsterInstance, *users: str) -> dg.ExecuteInProcessResult:
    return used.definitions.resolve_job_def(JOB).execute_in_process(
        instance=instance,
        run_config={"ops": {JOB: {"config": {"user_ids": list(users)}}}},
    )


@pytest.fixture(scope="module")
def never_seen(tmp_path_factory: pytest.TempPathFactory, rows: Sequence[Row]) -> Tables:
    """The tables of a platform to which the person never came."""
    folder = tmp_path_factory.mktemp("never_seen")
    others = [row for row in rows if row["userId"] != PERSON]
    with world(folder / "warehouse", **delivered_events(folder, others, DAYS[0])) as fresh:
        fresh.compute(DAYS[0], DAYS[-1])
        return bits(fresh)


def all_files(root: str) -> list[Path]:
    return [path for path in Path(root).rglob("*") if path.is_file()]


def left_of(used: World, home: dg.DagsterInstance) -> list[str]:
    words = whole_words([PERSON])
    files = [p for root in (used.settings.warehouse, home.root_directory) for p in all_files(root)]
    return [
        *(str(path) for path in files if b"the viewer" in path.read_bytes()),
        *occurrences(used.settings.warehouse, [PERSON]),
        *files_with(Path(home.root_directory), words),
    ]


def test_nothing_is_left_and_the_tables_are_those_that_never_saw_the_person(
    used: World,
    home: dg.DagsterInstance,
    never_seen: Tables,
) -> None:
    assert left_of(used, home)
    result = erase(used, home, PERSON)
    assert left_of(used, home) == []
    assert bits(used) == never_seen
    [output] = [e for e in result.all_events if e.is_successful_output and e.step_key == JOB]
    receipt = output.step_output_data.metadata
    assert receipt[f"rows deleted from {RAW_EVENTS.name}"].value > 0
    assert "nothing found" in str(receipt["searched afterwards"].value)


def test_days_of_videos_are_counted_again_without_the_person(
    used: World, home: dg.DagsterInstance
) -> None:
    used.compute(DAYS[0], DAYS[-1], tables=(VIDEO_DAILY,))
    before = used.rows(VIDEO_DAILY)
    erase(used, home, PERSON)
    erased = used.rows(VIDEO_DAILY)
    used.compute(DAYS[0], DAYS[-1], tables=(VIDEO_DAILY,))
    assert erased == used.rows(VIDEO_DAILY) != before


def test_values_of_dimensions_leave_with_the_person(used: World, home: dg.DagsterInstance) -> None:
    named = used.with_settings(events_dimensions={"who": "userId"})
    named.compute(DAYS[0], DAYS[-1], tables=(*TABLES, DIMENSION_DAILY))
    assert PERSON in {row["value"] for row in named.rows(DIMENSION_DAILY)}
    erase(named, home, PERSON)
    assert left_of(named, home) == []
    assert {row["value"] for row in named.rows(DIMENSION_DAILY)} == {"ben", "cleo", "dan"}


def test_the_next_delivery_brings_nobody_back_and_is_accounted_for(
    used: World, home: dg.DagsterInstance, never_seen: Tables
) -> None:
    erase(used, home, PERSON)
    run = used.run(DAYS[0], DAYS[-1])
    assert run.counted(RAW_EVENTS, "erased_rows") > 0
    assert left_of(used, home) == []
    assert bits(used) == never_seen


def test_without_the_key_no_run_and_no_erasure_goes_on(
    used: World, home: dg.DagsterInstance
) -> None:
    erase(used, home, PERSON)
    for key, said in ((None, "is not set"), ("x" * 32, "is not the key")):
        with pytest.raises(SettingsError, match=f"ERASURE_KEY {said}"):
            used.with_settings(erasure_key=key).compute(DAYS[0], tables=(RAW_EVENTS,))


def test_nobody_is_erased_by_mistake(used: World, home: dg.DagsterInstance) -> None:
    before = bits(used)
    with pytest.raises(ErasureError, match="nobody is named"):
        erase(used, home)
    erase(used, home, "be", "ben2")
    assert bits(used) == before


def erase_by_command_line(used: World, folder: Path) -> ForkServerProcess:
    """A process of its own, as an operator starts it."""
    config = folder / "erase.yaml"
    config.write_text(json.dumps({"ops": {JOB: {"config": {"user_ids": [PERSON]}}}}))
    settings = {
        "WAREHOUSE": used.settings.warehouse,
        "EVENTS": used.settings.events,
        "VIDEO_METADATA": "",
        "START_DATE": str(DAYS[0]),
        "ERASURE_KEY": KEY,
    }
    return forked.start(
        *("dagster", "job", "execute", "-m", "video_assets.definitions", "-j", JOB),
        *("-c", str(config)),
        environment=forked.environment_of_a_shell(settings, folder / "home"),
        folder=folder,
        output=folder / "output.log",
    )


@pytest.mark.processes
def test_killed_at_any_moment_it_completes_when_it_is_run_again(
    used: World,
    home: dg.DagsterInstance,
    tmp_path: Path,
    never_seen: Tables,
) -> None:
    before = used.delta(ENGAGEMENT).version()
    moments: list[Callable[[], bool]] = [
        (used.folder(ERASED_USERS) / "_delta_log").exists,
        lambda: used.delta(SESSIONS).history(1)[0]["operation"] == "DELETE",
        lambda: used.delta(ENGAGEMENT).version() > before + 1,
    ]
    for has_come in moments:
        process = erase_by_command_line(used, tmp_path)
        while process.is_alive() and not has_come():
            time.sleep(0.02)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    last = erase_by_command_line(used, tmp_path)
    last.join(200)
    assert last.exitcode == 0, (tmp_path / "output.log").read_text()[-3_000:]
    (tmp_path / "erase.yaml").unlink()
    assert left_of(used, home) == []
    assert bits(used) == never_seen
