"""The newest day of a sample through `dagster asset materialize`, on a warehouse with the others.

`python increment.py SAMPLE WAREHOUSE TABLES` prints the seconds of the whole command, start-up
included, and its CPU seconds; the tables are those up to `engagement`, or the `analysts` daily ones
with two dimensions. The day has been computed before: its rows replace themselves, so that the
command can be run again, and takes the same ways as for a new day.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from contender_ours import days_of

from resources.runs.home import INSTANCE_FILE
from video_assets.days import DayRange

_EVENTS = 'key:"video/raw_events" or key:"video/rejected_events" or key:"video/sessions"'
_ENGAGEMENT = 'key:"video/aggregated_user_video_engagement"'
_NEWEST = {
    "engagement": f"{_EVENTS} or {_ENGAGEMENT}",
    "analysts": 'key:"video/video_daily" or key:"video/dimension_daily"',
}
_DIMENSIONS = {"device": "device", "player": "player"}


def main() -> None:
    """Fill the warehouse once, then time its newest whole day: the last file has late rows only."""
    sample, warehouse = map(Path, sys.argv[1:3])
    tables = sys.argv[3]
    run = days_of(sample / "events")
    environment = _environment(sample, warehouse, run)
    if tables == "analysts":
        environment["VIDEO_ASSETS_EVENTS_DIMENSIONS"] = json.dumps(_DIMENSIONS)
    if not (warehouse / "video" / "aggregated_user_video_engagement").exists():
        _materialize('key:"video/video_metadata"', [], environment)
        days = ["--partition-range", f"{run.first}...{run.last}"]
        _materialize(_EVENTS, days, environment)
        _materialize(_ENGAGEMENT, [], environment)
    began, before = time.perf_counter(), _cpu_seconds()
    _materialize(_NEWEST[tables], ["--partition", str(run.last - timedelta(days=1))], environment)
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": _cpu_seconds() - before}
    print(json.dumps(took))


def _cpu_seconds() -> float:
    """User and system time of the commands that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _environment(sample: Path, warehouse: Path, run: DayRange) -> dict[str, str]:
    home = warehouse / "dagster_home"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(INSTANCE_FILE, home)
    return os.environ | {
        "DAGSTER_HOME": str(home),
        "VIDEO_ASSETS_WAREHOUSE": str(warehouse),
        "VIDEO_ASSETS_EVENTS": str(sample / "events" / "events-{date}.parquet"),
        "VIDEO_ASSETS_VIDEO_METADATA": str(sample / "video_metadata.parquet"),
        "VIDEO_ASSETS_START_DATE": str(run.first),
        # Of the few rows in a small sample's last file, most may be refused.
        "VIDEO_ASSETS_MAX_REFUSED_SHARE": "1",
    }


def _materialize(selection: str, days: list[str], environment: dict[str, str]) -> None:
    command = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize"]
    command += ["-m", "video_assets.definitions", "--select", selection, *days]
    finished = subprocess.run(  # noqa: S603 (Dagster's own command)
        command, env=environment, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise SystemExit(finished.stderr[-3000:])


if __name__ == "__main__":
    main()
