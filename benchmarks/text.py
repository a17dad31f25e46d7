"""Events as text: JSON lines, gzipped ones and CSV into the three tables, beside DuckDB.

`python benchmarks/text.py --millions 2 10` writes the generated events as text, a file a day, and
lets both ways take turns, each run a process of its own. DuckDB reads the same files with their
types told, and its engagement rows must be ours before its time counts. Seconds are those of the
work alone, after a warm-up on the first day.
"""

import argparse
from pathlib import Path
from tempfile import gettempdir

import duckdb
from comparing import files, require_same_rows
from measuring import Measurement, machine, measure, median, script
from pipeline import Sample, sample_of

WAYS = {"ours": "ours", "duckdb": "DuckDB SQL"}
FORMATS = {
    "JSON lines": (".jsonl", "FORMAT json"),
    "gzipped JSON lines": (".jsonl.gz", "FORMAT json, COMPRESSION gzip"),
    "CSV": (".csv", "FORMAT csv, HEADER"),
}
_COLUMNS = "timestamp, userId, sessionId, videoId, eventName, currentTime, seekTime"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS)
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs of each way")
    parser.add_argument(
        "--folder", type=Path, default=Path(gettempdir()) / "video_assets_bench", help="samples"
    )
    options = parser.parse_args()
    print(machine())
    print("\n| events | format | way | seconds | ours / this | CPU seconds | peak GiB |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for millions in options.millions:
        sample = sample_of(options.folder, millions)
        for name in options.formats:
            runs = _measured(_as_text(sample, name), sample, options)
            ours = runs["ours"].seconds
            for way, run in runs.items():
                print(
                    f"| {millions} million | {name} | {WAYS[way]} | {run.seconds:.1f} | "
                    f"{ours / run.seconds:.2f} | {run.cpu_seconds:.1f} | "
                    f"{run.peak_bytes / 2**30:.1f} |",
                    flush=True,
                )


def _as_text(sample: Sample, name: str) -> Path:
    suffix, how = FORMATS[name]
    events, _ = sample.places
    folder = sample.folder / f"events{suffix}"
    if not folder.exists():
        written = folder.with_suffix(".part")
        written.mkdir(exist_ok=True)
        for day in sorted(events.glob("*.parquet")):
            text = written / f"{day.stem}{suffix}"
            rows = f"SELECT {_COLUMNS} FROM read_parquet('{day}')"  # noqa: S608 (our own paths)
            duckdb.sql("SET TimeZone = 'UTC'")
            duckdb.sql(f"COPY ({rows}) TO '{text}' ({how})")
        written.rename(folder)
    return folder


def _measured(events: Path, sample: Sample, options: argparse.Namespace) -> dict[str, Measurement]:
    _, metadata = sample.places
    runs: dict[str, list[Measurement]] = {way: [] for way in WAYS}
    for _ in range(options.runs):
        for way, measured in runs.items():
            output = options.folder / "outputs" / way
            command = script("contender.py", way, "whole_pipeline", events, metadata, output)
            measured.append(measure(command))
    results = [files(measured[-1].output["result"]) for measured in runs.values()]
    require_same_rows(*results)
    return {way: median(measured) for way, measured in runs.items()}


if __name__ == "__main__":
    main()
