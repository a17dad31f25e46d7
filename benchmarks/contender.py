"""One run of one contender: `python contender.py NAME WORK EVENTS METADATA OUTPUT`.

Prints a JSON object: the seconds of the work, after a warm-up on the first day, and its result;
where gilknocker is installed, also the share of time in which a thread would have had to wait for
the interpreter's lock. `BENCH_CORES=2` gives the process two cores.
"""

import importlib
import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import cpu_seconds


def main() -> None:
    """Run what the command line names."""
    name, work, *places = sys.argv[1:]
    events, metadata, output = map(Path, places)
    if cores := int(os.environ.get("BENCH_CORES", "0")):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    function = getattr(importlib.import_module(f"contender_{name}"), work)
    _warm_up(function, events, metadata)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    with _watched_lock() as told:
        began, cpu = time.perf_counter(), cpu_seconds(os.getpid())
        result = function(events, metadata, output)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(os.getpid()) - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "result": str(result), **told}))


@contextmanager
def _watched_lock() -> Iterator[dict[str, float]]:
    told: dict[str, float] = {}
    if importlib.util.find_spec("gilknocker") is None:
        yield told
        return
    gilknocker = importlib.import_module("gilknocker")
    knocks = gilknocker.KnockKnock(polling_interval_micros=1_000)
    knocks.start()
    yield told
    told["lock_held"] = knocks.contention_metric
    knocks.stop()


def _warm_up(function: object, events: Path, metadata: Path) -> None:
    """Imports, sessions and compiled code of an engine are not what is compared."""
    first = min(events.iterdir())
    with TemporaryDirectory() as folder:
        small = Path(folder) / "events"
        small.mkdir()
        (small / first.name).symlink_to(first.resolve())
        output = Path(folder) / "output"
        output.mkdir()
        function(small, metadata, output)  # type: ignore[operator]


if __name__ == "__main__":
    main()
