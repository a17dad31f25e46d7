"""`make bench`: from player events to engagement rows, ours beside others and the hardware.

Two works: (a) engagement rows alone, nothing kept on the way; (b) the whole pipeline with its three
stored tables. Every run is a process of its own; contenders take turns; a contender's rows must be
ours before its time counts. `BENCH_FULL=1` adds 100 million events.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from comparing import DifferentRowsError, files, require_same_rows
from measuring import FailedRunError, Measurement, machine, measure, median, script

WORKS = {
    "engagement_only": "(a) events to engagement rows, nothing kept",
    "whole_pipeline": "(b) the whole pipeline, three stored tables",
}
TITLES = {
    "ours": "ours",
    "before": "ours, the build before",
    "dagster": "ours through Dagster",
    "duckdb": "DuckDB SQL",
    "polars": "Polars",
    "spark": "Apache Spark SQL, local",
    "floor": "floor: read the columns, do nothing",
}
BEFORE = "before"
ONLY_WHOLE = {"dagster"}
# Takes a quarter of an hour and more beyond: one run tells enough.
ONCE_ABOVE_MILLIONS = {"spark": 1}
MILLION = 1_000_000
DAYS = {1: 10, 2: 31, 10: 30, 30: 30, 100: 90}
NEWEST = ["engagement", "analysts"]


@dataclass(frozen=True)
class Sample:
    """Generated events and metadata."""

    folder: Path

    @property
    def places(self) -> tuple[Path, Path]:
        """Where the events and the metadata are."""
        return self.folder / "events", self.folder / "video_metadata.parquet"


def main() -> None:
    """Measure, and print the tables."""
    options = _options()
    print(machine())
    for millions in options.millions:
        sample = sample_of(options.folder, millions)
        for work in options.works:
            _print_table(work, millions, _measured(work, millions, sample, options))
    if options.increments:
        for line in _increments(options):
            print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [1, 10, *([100] if os.environ.get("BENCH_FULL") else [])]
    parser.add_argument("--millions", type=int, nargs="+", default=sizes, choices=DAYS)
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs of each contender")
    parser.add_argument("--works", nargs="*", default=list(WORKS), choices=WORKS)
    parser.add_argument("--contenders", nargs="+", default=list(TITLES), choices=TITLES)
    parser.add_argument(
        "--against", type=Path, help="a checkout of another build, with its own environment"
    )
    parser.add_argument("--increments", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--newest", nargs="+", default=NEWEST, choices=NEWEST, help="tables")
    parser.add_argument("--history", type=int, nargs="+", default=[30, 300], help="days")
    parser.add_argument("--events-a-day", type=int, nargs="+", default=[33_333, 100_000])
    parser.add_argument(
        "--folder", type=Path, default=Path(gettempdir()) / "video_assets_bench", help="samples"
    )
    return parser.parse_args()


def sample_of(folder: Path, millions: int) -> Sample:
    """Events of some millions, generated where they are not there yet."""
    return _generated(folder / f"{millions}M", millions * MILLION, DAYS[millions])


def _generated(folder: Path, events: int, days: int) -> Sample:
    if not (folder / "sample_summary.json").exists():
        print(f"generating {events:,} events of {days} days", file=sys.stderr)
        command = [sys.executable, "-m", "video_assets.sample_data", "--output", str(folder)]
        numbers = {"events": events, "days": days, "users": max(events // 100, 10), "videos": 5000}
        command += [part for name, number in numbers.items() for part in (f"--{name}", str(number))]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (our own module)
    return Sample(folder)


def _measured(
    work: str, millions: int, sample: Sample, options: argparse.Namespace
) -> dict[str, list[Measurement]]:
    runs: dict[str, list[Measurement]] = defaultdict(list)
    names = [name for name in options.contenders if _is_able(name, work, options.against)]
    for turn in range(options.runs):
        for name in names:
            if turn and millions > ONCE_ABOVE_MILLIONS.get(name, millions):
                continue
            output = options.folder / "outputs" / name
            print(f"{work}, run {turn + 1}: {TITLES[name]}", file=sys.stderr)
            try:
                runs[name].append(_run(name, work, *sample.places, output, options.against))
            except FailedRunError as error:
                print(f"{TITLES[name]} failed: {error}")
        if turn == 0:
            _drop_different(runs)
            names = [name for name in names if name in runs]
    shutil.rmtree(options.folder / "outputs", ignore_errors=True)
    return runs


def _run(  # noqa: PLR0913, PLR0917 (as the contender's command line)
    name: str, work: str, events: Path, metadata: Path, output: Path, against: Path | None
) -> Measurement:
    if name != BEFORE or against is None:
        return measure(script("contender.py", name, work, events, metadata, output))
    python, contender = against / ".venv/bin/python", against / "benchmarks/contender.py"
    command = [str(part) for part in (python, contender, "ours", work, events, metadata, output)]
    return measure(command, PYTHONPATH=against)


def _is_able(name: str, work: str, against: Path | None) -> bool:
    if name == BEFORE:
        return against is not None
    if name in ONLY_WHOLE and work != "whole_pipeline":
        return False
    if name == "spark":
        return shutil.which("java") is not None
    return name != "polars" or importlib.util.find_spec("polars") is not None


def _drop_different(runs: dict[str, list[Measurement]]) -> None:
    ours = files(runs["ours"][0].output["result"]) if "ours" in runs else ""
    for name in (BEFORE, "duckdb", "polars", "spark"):
        if ours and name in runs:
            try:
                rows = require_same_rows(ours, files(runs[name][0].output["result"]))
                print(f"{TITLES[name]}: the same {rows:,} rows as ours", file=sys.stderr)
            except DifferentRowsError as error:
                print(f"{TITLES[name]}: not counted, {error}")
                del runs[name]


def _print_table(work: str, millions: int, runs: dict[str, list[Measurement]]) -> None:
    print(f"\n{WORKS[work]}: {millions} million events; load {os.getloadavg()[0]:.1f} at the end\n")
    print("| way | seconds | ours / this | CPU seconds | ours / this | peak GiB | runs |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    ours = median(runs["ours"]) if runs.get("ours") else None
    for name, measured in runs.items():
        middle = median(measured)
        seconds = ours.seconds / middle.seconds if ours else float("nan")
        cpu = ours.cpu_seconds / middle.cpu_seconds if ours else float("nan")
        print(
            f"| {TITLES[name]} | {middle.seconds:.1f} | {seconds:.2f} | "
            f"{middle.cpu_seconds:.1f} | {cpu:.2f} | {middle.peak_bytes / 2**30:.1f} | "
            f"{len(measured)} |",
            flush=True,
        )


def _increments(options: argparse.Namespace) -> Iterator[str]:
    """The newest day of a warehouse with some history, through Dagster's command line."""
    yield "\none day through the command line, start-up and checks included\n"
    yield "| tables | events of a day | days of history | seconds | CPU seconds | peak GiB |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for tables in options.newest:
        yield _increment(tables, 1_000, 2, options)
        for events in options.events_a_day:
            for days in options.history:
                yield _increment(tables, events, days, options)


def _increment(tables: str, events: int, days: int, options: argparse.Namespace) -> str:
    name = f"{days}_days_of_{events}"
    sample = _generated(options.folder / name, days * events, days)
    warehouse = options.folder / "warehouses" / f"{name}_{tables}"
    command = script("increment.py", sample.folder, warehouse, tables)
    measure(command)  # fills the warehouse
    middle = median([measure(command) for _ in range(options.runs)])
    return (
        f"| {tables} | {events:,} | {days} | {middle.seconds:.1f} | {middle.cpu_seconds:.1f} | "
        f"{middle.peak_bytes / 2**30:.1f} |"
    )


if __name__ == "__main__":
    main()
