"""Seconds and memory of the tables of daily views, through Dagster's own command line.

    python benchmarks/views.py --videos 100000 --days 200

generates daily views (a video has so many days on average, with the sample's gaps and defects)
into a temporary folder, computes each table for all days in a process of its own, and prints
rows, seconds and peak memory of that process. Checks of the tables run along. Then months and
missing dates are computed from the stored table without Dagster, and by DuckDB.

With `--against PATH`, a checkout with a `.venv` of its own computes the same in turns.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
from measuring import Measurement, measure, script
from measuring import median as middle
from rich.console import Console
from rich.table import Table as Grid

from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.sample_data import SampleSpec, write_sample

HERE = Path(__file__).parents[1]
# Where a build has its settings of the Dagster instance.
INSTANCE_FILES = ("resources/runs/dagster.yaml", "dagster.yaml")
# As small as a sample may be: this benchmark reads no player events.
NO_EVENTS = {"events": 20, "days": 1, "users": 1, "videos": 1}
# `ru_maxrss` counts in kibibytes, except on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


WORKS = ("monthly_views", "missing_dates")
CONTENDERS = {"ours": "ours", "duckdb": "DuckDB SQL"}


@dataclass(frozen=True)
class Step:
    """Tables that one command materializes, for no partitions or for a range of them."""

    tables: tuple[Table, ...]
    partitions: tuple[date, date] | None = None

    @property
    def arguments(self) -> list[str]:
        """What follows `dagster asset materialize`."""
        select = " or ".join(f'key:"{asset_key(table).to_user_string()}"' for table in self.tables)
        chosen = ["-m", "video_assets.definitions", "--select", select]
        if self.partitions is None:
            return chosen
        first, last = self.partitions
        return [*chosen, "--partition-range", f"{first}...{last}"]


@dataclass(frozen=True)
class Build:
    """A checkout of this project with its environment, and where it keeps what it computes."""

    root: Path
    folder: Path

    @property
    def title(self) -> str:
        """How tables name it."""
        return "this build" if self.root == HERE else str(self.root)

    @property
    def warehouse(self) -> str:
        """Where its tables lie."""
        return str(self.folder / "warehouse")


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def main() -> None:
    """Generate, compute, print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="video_assets_views_") as name:
        folder = Path(name)
        spec = _generate(folder / "sample", options.videos, options.days)
        roots = [HERE, *([options.against.resolve()] if options.against else [])]
        builds = [Build(root, folder / f"build_{place}") for place, root in enumerate(roots)]
        Console().print(_grid(builds, spec, _costs(builds, spec, folder, options.turns)))
        for line in _beside_duckdb(builds[0].warehouse, folder / "outputs", options.runs):
            print(line, flush=True)


def _costs(
    builds: Sequence[Build], spec: SampleSpec, folder: Path, turns: int
) -> Mapping[tuple[Build, Step], Cost]:
    """What each step takes: the median of all turns, in which builds alternate."""
    found = defaultdict(list)
    for turn in range(turns):
        for build in builds if turn % 2 == 0 else reversed(builds):
            shutil.rmtree(build.folder, ignore_errors=True)
            build.folder.mkdir()
            for step in _steps(spec):
                environment = _environment(build, folder / "sample", spec)
                found[build, step].append(_run(step, build, environment))
    return {
        key: Cost(
            median(c.seconds for c in costs),
            median(c.cpu_seconds for c in costs),
            max(c.peak_bytes for c in costs),
        )
        for key, costs in found.items()
    }


def _grid(
    builds: Sequence[Build], spec: SampleSpec, costs: Mapping[tuple[Build, Step], Cost]
) -> Grid:
    shares = ("ours / this", "CPU seconds", "ours / this", "peak memory (GiB)")
    grid = Grid("step", "build", "rows", "seconds", *shares)
    steps = _steps(spec)
    for step in steps:
        for build in builds:
            names = _names_and_rows(step, build)
            grid.add_row(*names, *_cells(costs[build, step], costs[builds[0], step]))
    totals = [_total([costs[build, step] for step in steps]) for build in builds]
    for build, total in zip(builds, totals, strict=True):
        grid.add_row("all", build.title, "", *_cells(total, totals[0]))
    return grid


def _total(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(cost.seconds for cost in costs),
        sum(cost.cpu_seconds for cost in costs),
        max(cost.peak_bytes for cost in costs),
    )


def _cells(this: Cost, ours: Cost) -> tuple[str, ...]:
    return (
        f"{this.seconds:.1f}",
        f"{ours.seconds / this.seconds:.2f}",
        f"{this.cpu_seconds:.1f}",
        f"{ours.cpu_seconds / this.cpu_seconds:.2f}",
        f"{this.peak_bytes / 2**30:.2f}",
    )


def _beside_duckdb(warehouse: str, outputs: Path, runs: int) -> Iterator[str]:
    """Ours without Dagster and DuckDB's SQL on the stored table, in turns; rows are compared."""
    yield "| work | way | seconds | ours / this | CPU seconds | ours / this | peak GiB |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for work in WORKS:
        measured: dict[str, list[Measurement]] = {name: [] for name in CONTENDERS}
        for _ in range(runs):
            for name, kept in measured.items():
                command = script("contender_views.py", name, work, warehouse, outputs / name)
                kept.append(measure(command))
        _require_same(*(kept[-1].output["result"] for kept in measured.values()))
        ours = middle(measured["ours"])
        for name, title in CONTENDERS.items():
            this = middle(measured[name])
            yield (
                f"| {work} | {title} | {this.seconds:.1f} | {ours.seconds / this.seconds:.2f} | "
                f"{this.cpu_seconds:.1f} | {ours.cpu_seconds / this.cpu_seconds:.2f} | "
                f"{this.peak_bytes / 2**30:.1f} |"
            )


def _require_same(ours: str, theirs: str) -> None:
    """Every row of one in the other.

    Raises:
        SystemExit: some are not.
    """
    one, other = (f"SELECT * FROM read_parquet('{files}')" for files in (ours, theirs))  # noqa: S608 (ours)
    # Ours has more columns than the work that is compared.
    columns = ", ".join(duckdb.sql(other).columns)
    one, other = (f"SELECT {columns} FROM ({query})" for query in (one, other))  # noqa: S608 (ours)
    found = duckdb.sql(f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})")
    if different := len(found.limit(10).fetchall()):
        sys.exit(f"{ours} and {theirs} differ in {different} rows or more")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="of each way beside DuckDB")
    parser.add_argument("--against", type=Path, help="another checkout, with its own .venv")
    parser.add_argument("--turns", type=int, default=1, help="runs of each step of each build")
    parser.add_argument("--days", type=int, default=200, help="days with views of a mean video")
    return parser.parse_args()


def _generate(folder: Path, videos: int, mean_days: int) -> SampleSpec:
    # Videos are uploaded all over the range, so a mean video sees half of it.
    view_days = 2 * mean_days
    first_day = datetime.now(UTC).date() - timedelta(days=view_days)
    spec = SampleSpec(**NO_EVENTS, first_day=first_day, channel_videos=videos, view_days=view_days)
    rows = write_sample(folder, spec).views.rows
    print(f"{rows:,} rows of {videos:,} videos on {view_days} days", flush=True)
    return spec


def _steps(spec: SampleSpec) -> Sequence[Step]:
    first = spec.first_day
    last = first + timedelta(days=spec.view_days - 1)
    return (
        Step((DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS), (first, last)),
        Step((MONTHLY_VIEWS,), (first.replace(day=1), last.replace(day=1))),
        Step((MISSING_DATES, MISSING_DATE)),
    )


def _environment(build: Build, sample: Path, spec: SampleSpec) -> Mapping[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("VIDEO_ASSETS_")}
    home = build.folder / "dagster_home"
    home.mkdir(exist_ok=True)
    instance = next(filter(Path.exists, (build.root / file for file in INSTANCE_FILES)))
    shutil.copy(instance, home / "dagster.yaml")
    return {
        **inherited,
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(build.root),
        "VIDEO_ASSETS_WAREHOUSE": build.warehouse,
        "VIDEO_ASSETS_DAILY_VIEWS": str(sample / "daily_views"),
        "VIDEO_ASSETS_START_DATE": spec.first_day.isoformat(),
    }


def _run(step: Step, build: Build, environment: Mapping[str, str]) -> Cost:
    """Run a step to its end.

    Raises:
        SystemExit: it failed; the end of its log is shown.
    """
    log = build.folder / "log"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (the command of a checkout's environment)
            [build.root / ".venv" / "bin" / "dagster", "asset", "materialize", *step.arguments],
            cwd=build.folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(log.read_text(encoding="utf-8", errors="replace")[-5_000:])
    return Cost(
        time.monotonic() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * RSS_UNIT,
    )


def _names_and_rows(step: Step, build: Build) -> tuple[str, str, str]:
    rows = (f"{Warehouse(build.warehouse).row_count(table):,}" for table in step.tables)
    return ", ".join(table.name for table in step.tables), build.title, ", ".join(rows)


if __name__ == "__main__":
    main()
