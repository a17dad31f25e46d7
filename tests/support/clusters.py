"""The same pipeline on the embedded engine and on a cluster, and accidents in the middle of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from video_assets.analytics.tables import ANALYTICS_TABLES, DAILY_ANALYTICS_TABLES

ANALYTICS = (*DAILY_ANALYTICS_TABLES, *ANALYTICS_TABLES)
WEEK = tuple(date(2025, 1, 1) + timedelta(days=n) for n in range(7))
_PATIENCE = 120


@dataclass(frozen=True)
class Engines:
    """Settings for one sample on either engine."""

    url: str
    sample: Path

    @property
    def embedded(self) -> dict[str, Any]:
        return {**self._sources, "engine": "sail", "spark_remote": None, "spark_config": {}}

    @property
    def cluster(self) -> dict[str, Any]:
        return {**self._sources, "engine": "spark", "spark_remote": self.url, "spark_config": {}}

    @property
    def _sources(self) -> dict[str, Any]:
        return {
            "events": str(self.sample / "events"),
            "video_metadata": str(self.sample / "video_metadata.parquet"),
            "daily_views": str(self.sample / "daily_views"),
            "events_dimensions": {"device": "device", "player": "player"},
            "experiments": {"player": {"control": "4.2", "split": {"4.2": 1, "5.0": 1}}},
            # So that every video misses days.
            "as_of_date": WEEK[-1] + timedelta(days=3),
        }


@contextmanager
def when_a_file_is_written(folder: Path, accident: Callable[[], None]) -> Iterator[None]:
    """Let an accident happen as soon as a task of the block has written a data file."""
    known = set(folder.rglob("*.parquet"))
    happened: list[bool] = []

    def watch() -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if set(folder.rglob("*.parquet")) - known:
                accident()
                happened.append(True)
                return
            time.sleep(0.01)

    watcher = Thread(target=watch)
    watcher.start()
    yield
    watcher.join()
    assert happened, f"no file was written below {folder}"
