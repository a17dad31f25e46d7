"""What a daily run leaves in the Dagster home, on disk: after `make demo`, by `dg launch`."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from support.checkout import Checkout

pytestmark = [pytest.mark.processes, pytest.mark.at_length, pytest.mark.timeout(1800)]

MOST_BYTES = 700_000
SECONDS = 900


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.at(tmp_path_factory.mktemp("records"))
    call(checkout, "make demo")
    return checkout


def call(checkout: Checkout, command: str) -> None:
    done = checkout.bash(f"export DAGSTER_HOME=$PWD/.dagster_home; {command}", SECONDS)
    assert done.returncode == 0, done.stdout[-3_000:]


def a_day_again(checkout: Checkout) -> tuple[int, int]:
    """How many bytes and runs the home has afterwards."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    call(checkout, f".venv/bin/dg launch --job daily --partition {yesterday}")
    files = [path for path in (checkout.folder / ".dagster_home").rglob("*") if path.is_file()]
    runs = [path for path in files if path.suffix == ".db" and path.stem.count("-") == 4]
    return sum(path.stat().st_size for path in files), len(runs)


def test_a_daily_run_leaves_at_most_0_7_mb_in_the_dagster_home(
    demo: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    # The first has what all daily runs share, such as the plan.
    _, (before, runs), (after, runs_after) = (a_day_again(demo) for _ in range(3))
    with capsys.disabled():
        sys.stdout.write(f"a daily run leaves {after - before:,} bytes in the Dagster home\n")
    assert runs_after == runs + 1
    assert 0 < after - before <= MOST_BYTES
