"""The whole pipeline on one core, on two, on four and so on, up to those of the machine.

`python benchmarks/scaling.py` gives each way so many cores: ours with its tasks as threads of one
process and as processes (`VIDEO_ASSETS_WORKER_PROCESSES`), DuckDB and Polars with as many threads.
Each run is a process of its own, the ways take turns. With gilknocker installed it also prints the
share of time in which a thread would have had to wait for the interpreter's lock.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir

from comparing import files, require_same_rows
from measuring import Measurement, machine, measure, median, script
from pipeline import Sample, sample_of

THREADS, PROCESSES = "ours, threads", "ours, processes"
WAYS = {THREADS: "ours", PROCESSES: "ours", "DuckDB SQL": "duckdb", "Polars": "polars"}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=10)
    parser.add_argument("--runs", type=int, default=1, help="interleaved runs of each way")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument(
        "--folder", type=Path, default=Path(gettempdir()) / "video_assets_bench", help="samples"
    )
    options = parser.parse_args()
    print(machine())
    sample = sample_of(options.folder, options.millions)
    print(f"\nthe whole pipeline, {options.millions} million events\n")
    print("| way | cores | seconds | times one | CPU seconds | peak GiB | lock held |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    alone: dict[str, float] = {}
    for cores in _cores():
        for way, run in _measured(cores, sample, options).items():
            times = alone.setdefault(way, run.seconds) / run.seconds
            held = run.output.get("lock_held")
            print(
                f"| {way} | {cores} | {run.seconds:.1f} | {times:.2f} | {run.cpu_seconds:.1f} | "
                f"{run.peak_bytes / 2**30:.1f} | {f'{held:.0%}' if held is not None else ''} |",
                flush=True,
            )


def _cores() -> list[int]:
    most = len(os.sched_getaffinity(0))
    return sorted({*(2**n for n in range(most.bit_length()) if 2**n <= most), most})


def _measured(cores: int, sample: Sample, options: argparse.Namespace) -> Mapping[str, Measurement]:
    runs: dict[str, list[Measurement]] = {way: [] for way in options.ways}
    for _ in range(options.runs):
        for way, measured in runs.items():
            output = options.folder / "outputs" / way.replace(", ", "_")
            command = script("contender.py", WAYS[way], "whole_pipeline", *sample.places, output)
            processes = cores if way == PROCESSES else 0
            measured.append(
                measure(command, BENCH_CORES=cores, VIDEO_ASSETS_WORKER_PROCESSES=processes)
            )
    first, *others = (files(measured[-1].output["result"]) for measured in runs.values())
    for other in others:
        require_same_rows(first, other)
    return {way: median(measured) for way, measured in runs.items()}


if __name__ == "__main__":
    main()
