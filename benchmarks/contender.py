"""One run of one contender: `python contender.py NAME WORK EVENTS METADATA OUTPUT`.

Prints a JSON object: the seconds of the work, after a warm-up on the first day, and its result.
"""

import importlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import cpu_seconds


def main() -> None:
    """Run what the command line names."""
    name, work, *places = sys.argv[1:]
    events, metadata, output = map(Path, places)
    function = getattr(importlib.import_module(f"contender_{name}"), work)
    _warm_up(function, events, metadata)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    began, cpu = time.perf_counter(), cpu_seconds(os.getpid())
    result = function(events, metadata, output)
    seconds, cpu = time.perf_counter() - began, cpu_seconds(os.getpid()) - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "result": str(result)}))


def _warm_up(function: object, events: Path, metadata: Path) -> None:
    """Imports, sessions and compiled code of an engine are not what is compared."""
    first = min(events.glob("*.parquet"))
    with TemporaryDirectory() as folder:
        small = Path(folder) / "events"
        small.mkdir()
        (small / first.name).symlink_to(first.resolve())
        output = Path(folder) / "output"
        output.mkdir()
        function(small, metadata, output)  # type: ignore[operator]


if __name__ == "__main__":
    main()
