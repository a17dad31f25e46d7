"""Real processes of runs and services, killed and interrupted at their worst moments."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import pytest
from support.held_run import FOLDER, POOL
from support.webhook import free_port

from resources.runs.liveness import free_dead_runs

ROOT = Path(__file__).parents[3]
LOCATION = ("-f", str(ROOT / "tests" / "support" / "held_run.py"))
EXECUTE = ("job", "execute", *LOCATION, "-j", "held")
LAUNCH = ("job", "launch", *LOCATION, "-j", "held")
DEV = ("dev", *LOCATION)
STOPPED_WITHIN = 10
GIVEN_UP_AFTER = 240

# What a run's process does first and last, by Dagster's own calls.
KILLED_OUTSIDE_ITS_STEPS = """
import os, signal, sys
import dagster as dg
from resources.runs.liveness import alive

moment, home = sys.argv[1:]
with dg.DagsterInstance.from_config(home) as instance:
    run = instance.create_run_for_job(dg.GraphDefinition(name="empty").to_job())
    if moment == "before its start":
        os.kill(os.getpid(), signal.SIGKILL)
    start = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name
    )
    instance.report_dagster_event(start, run.run_id)
    if moment == "after its last step":
        with alive(instance, run.run_id):
            pass
    os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.processes


class Home:
    """A Dagster home, and the commands that people type."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "home"
        self.path.mkdir()
        shutil.copy(ROOT / "resources/runs/dagster.yaml", self.path)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        number = len(self._started)
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(self.path),
            FOLDER: str(self.folder),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        }
        with self.output_of(number).open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dagster", *arguments],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def output_of(self, number: int) -> Path:
        return self.folder / f"output-{number}.log"

    def let_go(self) -> None:
        (self.folder / "go").touch()

    def steps_started(self) -> int:
        return len(list(self.folder.glob("started-*")))

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        with dg.DagsterInstance.from_config(str(self.path)) as instance:
            yield instance

    def statuses(self) -> list[str]:
        """Of all runs, the oldest first."""
        with self.instance() as instance:
            return [run.status.value for run in reversed(instance.get_runs())]

    def holders_of_the_pool(self) -> set[str]:
        with self.instance() as instance:
            slots = instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
            return {slot.run_id for slot in slots}

    def kill_everything(self) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    home = Home(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(home.path))
    yield home
    home.kill_everything()


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> float:
    begin = time.monotonic()
    while not happened():
        assert time.monotonic() - begin < seconds
        time.sleep(0.2)
    return time.monotonic() - begin


def test_the_next_command_line_run_frees_what_a_killed_one_held(home: Home) -> None:
    killed = home.start(*EXECUTE)
    wait_until(lambda: home.steps_started() == 1)
    killed.kill()
    killed.wait()
    assert home.statuses() == ["STARTED"]
    assert home.holders_of_the_pool()

    home.let_go()
    assert home.start(*EXECUTE).wait(60) == 0
    assert home.statuses() == ["FAILURE", "SUCCESS"]
    assert not home.holders_of_the_pool()


@pytest.mark.parametrize(
    ("moment", "seems"),
    [
        ("before its start", "NOT_STARTED"),
        ("before its first step", "STARTED"),
        ("after its last step", "STARTED"),
    ],
)
def test_a_run_killed_outside_its_steps_does_not_seem_to_go_on(
    home: Home, moment: str, seems: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_OUTSIDE_ITS_STEPS, moment, str(home.path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert home.statuses() == [seems]
    with home.instance() as instance:
        assert len(free_dead_runs(instance)) == 1
    assert home.statuses() == ["FAILURE"]


def test_a_run_that_waits_says_for_whom_and_starts_when_the_other_is_killed(home: Home) -> None:
    first = home.start(*EXECUTE)
    wait_until(lambda: home.steps_started() == 1)
    [holder] = home.holders_of_the_pool()
    second = home.start(*EXECUTE)
    wait_until(lambda: f"held by run {holder} (held, started" in home.output_of(1).read_text())
    assert home.steps_started() == 1

    first.kill()
    first.wait()
    wait_until(lambda: home.steps_started() == 2)
    home.let_go()
    assert second.wait(60) == 0
    assert home.statuses() == ["FAILURE", "SUCCESS"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_at_once_and_holds_nothing(
    home: Home, sent: signal.Signals
) -> None:
    running = home.start(*EXECUTE)
    wait_until(lambda: home.steps_started() == 1)
    waiting = home.start(*EXECUTE)
    wait_until(lambda: "waits for the pool" in home.output_of(1).read_text())
    for process in (waiting, running):
        process.send_signal(sent)
        assert process.wait(STOPPED_WITHIN) != 0
    assert home.statuses() == ["FAILURE", "FAILURE"]
    assert not home.holders_of_the_pool()


def test_after_everything_was_killed_the_daemon_runs_it_again(home: Home) -> None:
    home.start(*DEV, "--port", str(free_port()))
    assert home.start(*LAUNCH).wait(60) == 0
    wait_until(lambda: home.steps_started() == 1)
    home.kill_everything()
    assert home.statuses() == ["STARTED"]

    home.let_go()
    home.start(*DEV, "--port", str(free_port()))
    wait_until(lambda: home.statuses() == ["FAILURE", "SUCCESS"], GIVEN_UP_AFTER)
    assert not home.holders_of_the_pool()


def test_a_terminated_run_is_canceled_at_once(home: Home) -> None:
    home.start(*DEV, "--port", str(free_port()))
    assert home.start(*LAUNCH).wait(60) == 0
    wait_until(lambda: home.steps_started() == 1)
    with home.instance() as instance:
        [run] = instance.get_runs()
        assert instance.run_launcher.terminate(run.run_id)
    wait_until(lambda: home.statuses() == ["CANCELED"], STOPPED_WITHIN)
    assert not home.holders_of_the_pool()


def test_services_that_start_at_the_same_moment_set_up_an_empty_home_once(home: Home) -> None:
    code = "import dagster as dg; i = dg.DagsterInstance.get(); i.get_runs_count(); i.dispose()"
    together = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait(200) for process in together] == [0] * len(together)
    with home.instance() as instance:
        assert instance.get_runs_count() == 0
