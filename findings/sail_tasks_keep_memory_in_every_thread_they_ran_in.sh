#!/usr/bin/env bash
# pysail 0.7.2 with pyspark 4.2.0 and NumPy, on Linux with glibc: functions of mapInArrow of which
# two compute at a time, by a semaphore, each with some 30 MB of arrays that it frees. A guess is that
# the process needs two times that. Sail runs the tasks in dozens of threads, the C library gives each
# thread a heap of its own, and what a task frees stays in the heap of its thread.
# Seen: some 45 threads, 1.1 to 1.3 GB at the peak; with MALLOC_ARENA_MAX=2 it is 0.7 GB, the same sums.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysail==0.7.2 pyspark-client==4.2.0 'pandas<3' pyarrow==26.0.1 'setuptools<81' numpy==2.4.6
cat >"$folder/tasks.py" <<'PYTHON'
import builtins
import os
import sys
import threading
from importlib.metadata import version

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

server = SparkConnectServer()
server.start(background=True)
spark = SparkSession.builder.remote(f"sc://localhost:{server.listening_address[1]}").getOrCreate()
# Functions come to the tasks as copies; this module of Python is the same for all.
builtins.slots, builtins.threads = threading.BoundedSemaphore(2), set()


def largest(batches):
    import builtins
    import threading

    import numpy as np
    import pyarrow as pa

    for _ in batches:
        pass
    total = 0.0
    with builtins.slots:
        builtins.threads.add(threading.get_ident())
        for seed in range(4):
            numbers = np.random.default_rng(seed)
            columns = [numbers.random(600_000 // (1 + place % 4)) for place in range(16)]
            total += sum(float((column + column).max()) for column in columns)
    yield pa.RecordBatch.from_pydict({"total": [total]})


tasks = spark.range(0, 32, 1, 32).mapInArrow(largest, "total double")
sums = {row.total for _ in range(3) for row in tasks.collect()}
assert len(sums) == 1
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
told = f"pysail {version('pysail')}, numpy {version('numpy')}: {len(builtins.threads)} threads"
print(f"{told}, {int(peak) / 1e6:.2f} GB at the peak", file=sys.stderr)
print(peak, flush=True)
os._exit(0)
PYTHON
measure() { env RUST_LOG=off TZ=UTC "$@" "$folder/venv/bin/python" -W ignore "$folder/tasks.py"; }
own_heaps=$(measure OWN_HEAPS=1)
two_heaps=$(measure MALLOC_ARENA_MAX=2)
# A third more, at least.
test $((own_heaps * 3)) -gt $((two_heaps * 4))
