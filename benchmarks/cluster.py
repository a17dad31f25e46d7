"""The player events' graph on a cluster of this machine: seconds, and memory of the Dagster side.

`python benchmarks/cluster.py --events 1000000 10000000`: a standalone master, two workers of one
core and a Connect server run beside the Dagster process, which must not grow with the events.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg

from resources.engine.local_cluster import ClusterSize, local_cluster
from video_assets.catalog import asset_key
from video_assets.definitions import build_definitions
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings

TABLES = (RAW_EVENTS, REJECTED_EVENTS, VIDEO_METADATA, SESSIONS, ENGAGEMENT)
DAYS = 30
_MIB = 1024 * 1024


def main() -> None:
    """Measure each size on one cluster."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as folder, local_cluster(given.size) as cluster:
        for events in given.events:
            place = Path(folder) / str(events)
            _sample(place / "sample", events)
            before, peak = _resident(), _run(place, cluster.url)
            print(
                f"{events:,} events: {peak[0]:.0f} s; Dagster process {before // _MIB} MiB before, "
                f"{peak[1] // _MIB} MiB at its peak",
                flush=True,
            )


def _run(place: Path, url: str) -> tuple[float, int]:
    settings = Settings(
        warehouse=str(place / "warehouse"),
        events=str(place / "sample" / "events"),
        video_metadata=str(place / "sample" / "video_metadata.parquet"),
        engine="spark",
        spark_remote=url,
        _env_file=None,
    )
    definitions = build_definitions(settings)
    last = settings.start_date + timedelta(days=DAYS - 1)
    started = time.monotonic()
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [*(definitions.assets or ()), *(definitions.asset_checks or ())],  # type: ignore[list-item]
            resources=definitions.resources,
            instance=instance,
            selection=[asset_key(table) for table in TABLES],
            tags={
                "dagster/asset_partition_range_start": settings.start_date.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
        )
    return time.monotonic() - started, _resident("VmHWM")


def _sample(folder: Path, events: int) -> None:
    command = [sys.executable, "-m", "video_assets.sample_data", "--output", str(folder)]
    size = ["--events", str(events), "--users", str(max(2_000, events // 50))]
    subprocess.run([*command, *size, "--days", str(DAYS)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (our own command)


def _resident(entry: str = "VmRSS") -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(entry))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--memory", default="1g", help="of each worker's executor")
    given = parser.parse_args()
    given.size = ClusterSize(memory=given.memory)
    return given


if __name__ == "__main__":
    main()
