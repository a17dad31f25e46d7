"""Whether the forecast of completion is better than the two simple answers, and how calibrated.

`python benchmarks/forecast.py` tries it on samples of several seeds; with `--events` (and
`--first`, `--last`, `--metadata`, `--preset`) on a log of one's own. Of each it prints the Brier
scores, and what was forecast beside what happened; or why there is no forecast.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from resources.delta.commit import commit
from resources.delta.warehouse import Warehouse
from resources.engine.session import SparkEngine
from video_assets.analytics.forecast_model import Evaluation
from video_assets.analytics.stage_forecast import Forecast, stage_completion_forecast
from video_assets.days import DayRange
from video_assets.engagement.stage_sessions import stage_sessions
from video_assets.engagement.stage_video_metadata import stage_video_metadata
from video_assets.player_events.stage_events import stage_events
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.sample_data import SampleSpec, write_sample
from video_assets.settings import Settings
from video_assets.staged_days import StagedDays

DAYS = 35
SEEDS = (2025, 1, 2, 3, 4)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A log and the days that it is of."""

    name: str
    events: str
    days: DayRange
    metadata: str | None = None
    preset: str | None = None


def main() -> None:
    """Try the log that is named, else samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", help="path or URI of player events, as VIDEO_ASSETS_EVENTS")
    parser.add_argument("--first", type=date.fromisoformat, help="first day of the log")
    parser.add_argument("--last", type=date.fromisoformat, help="last day of the log")
    parser.add_argument("--metadata", help="as VIDEO_ASSETS_VIDEO_METADATA")
    parser.add_argument("--preset", help="as VIDEO_ASSETS_EVENTS_PRESET")
    asked = parser.parse_args()
    if asked.events and not (asked.first and asked.last):
        parser.error("name the --first and the --last day of the log")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for source in [_log(asked)] if asked.events else _samples(root):
            sys.stdout.write(f"{source.name}\n{_in_words(forecast_of(source, root))}\n\n")


def forecast_of(source: Source, root: Path) -> Forecast:
    """The forecast of a log, computed from its events into tables below a folder."""
    settings = Settings(
        warehouse=str(root / source.name.replace(" ", "_") / "warehouse"),
        events=source.events,
        video_metadata=source.metadata,
        events_preset=source.preset,
        start_date=source.days.first,
        _env_file=None,
    )
    spark = SparkEngine.from_settings(settings)
    _commit(stage_events(spark, settings, source.days, _LOG))
    _commit(stage_video_metadata(spark, settings, _LOG))
    events = Warehouse(settings.warehouse, lambda: spark.spark_session).frame(RAW_EVENTS)
    commit(stage_sessions(events, spark, settings, source.days, _LOG))
    return stage_completion_forecast(spark, settings, _LOG)


def _log(asked: argparse.Namespace) -> Source:
    days = DayRange(asked.first, DayRange.single(asked.last).end)
    return Source("the log", asked.events, days, asked.metadata, asked.preset)


def _samples(root: Path) -> Iterator[Source]:
    for seed in SEEDS:
        folder = root / f"sample_{seed}"
        days = write_sample(folder, SampleSpec(days=DAYS, seed=seed)).spec.event_days
        span = DayRange(days[0], DayRange.single(days[-1]).end)
        metadata = str(folder / "video_metadata.parquet")
        yield Source(f"sample, seed {seed}", str(folder / "events"), span, metadata)


def _commit(staged: StagedDays) -> None:
    if staged.failed or staged.unread:
        raise SystemExit(f"{staged.failed} {staged.unread}")
    for table in staged.tables.values():
        commit(table)
    staged.note()


def _in_words(made: Forecast) -> str:
    return "\n".join([made.finding, *(_calibration(made.evaluation) if made.evaluation else ())])


def _calibration(found: Evaluation) -> Iterator[str]:
    yield f"calibration error {found.calibration_error:.4f}; forecast and completed, by tenth:"
    for said, was, cases in found.bins:
        yield f"  {100 * said:6.2f} % {100 * was:6.2f} % of {cases:,}"


if __name__ == "__main__":
    main()
