"""`make demo`: generate a sample, materialize everything, and show what came out."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.columns import Columns
from rich.console import Console
from rich.table import Table as Grid

from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.delta.write_metadata import OF_RUN
from resources.engine.session import SparkEngine
from resources.file_access import open_new_files_to
from resources.runs.home import note_warehouse, prepared_home
from resources.runs.in_process import run_assets
from resources.runs.liveness import free_dead_runs
from video_assets.analytics.tables import ANALYTICS_TABLES, DAILY_ANALYTICS_TABLES
from video_assets.catalog import PARTITION_TAG, RANGE_TAGS, asset_key
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.definitions import build_definitions
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.report.addresses import report_location
from video_assets.report.assets import KEY as REPORT
from video_assets.sample_data import SampleSpec, SampleSummary, write_sample
from video_assets.settings import Settings, SettingsError, environment_name, load_settings
from video_assets.settings.sources import SAMPLE_FOLDER

WORKSPACE = Path(__file__).parents[1] / "workspace.yaml"
DAYS = 35
SAMPLE_SETTINGS = ("events", "video_metadata", "daily_views")
PLAYER_EVENT_TABLES = (
    RAW_EVENTS,
    REJECTED_EVENTS,
    VIDEO_METADATA,
    SESSIONS,
    ENGAGEMENT,
    *DAILY_ANALYTICS_TABLES,
    *ANALYTICS_TABLES,
)
DAILY_VIEW_TABLES = (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS, MISSING_DATES, MISSING_DATE)
EXAMPLE_USER = "peter"
EXAMPLE_COLUMNS = {
    "totalWatchTime": "watch time (s)",
    "totalUniqueSecondsWatched": "unique (s)",
    "maxPositionReached": "furthest (s)",
    "watchPercentage": "watched %",
    "completionPercentage": "completion %",
    "uniqueWatchPercentage": "unique %",
    "sessionCount": "sessions",
    "completionCount": "completions",
    "totalForwardSkips": "skips ahead",
    "totalBackwardSkips": "skips back",
    "engagementScore": "score",
    "engagementTier": "tier",
    "dataQualityFlag": "flag",
}


@dataclass(frozen=True)
class Run:
    """Assets to materialize together, for the partitions from the first to the last of `days`."""

    assets: tuple[dg.AssetKey, ...]
    days: tuple[date, date] | None = None

    @property
    def tags(self) -> Mapping[str, str]:
        """How Dagster names one partition, a range of them, or none."""
        if self.days is None:
            return {}
        first, last = (day.isoformat() for day in self.days)
        if first == last:
            return {PARTITION_TAG: first}
        return dict(zip(RANGE_TAGS, (first, last), strict=True))

    def __str__(self) -> str:
        """The days, or the assets where they have none."""
        if self.days is None:
            return ", ".join(key.to_user_string() for key in self.assets)
        return f"{self.days[0]} to {self.days[1]}"


def main() -> int:
    """Run the demo; the exit code is 0 when everything was materialized."""
    console = Console()
    started = time.monotonic()
    try:
        settings = load_settings()
        open_new_files_to(settings.file_access)
        _require_the_sample(settings)
        with _instance() as instance:
            note_warehouse(settings.warehouse)
            sample = _generate(settings, console)
            settings = load_settings()
            defs = build_definitions(settings)
            for run in _runs(sample.spec):
                _materialize(defs, run, instance, console)
        _show_results(settings, sample, console)
    except SettingsError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    console.print(f"Done in {time.monotonic() - started:.0f} s.")
    return 0


def _require_the_sample(settings: Settings) -> None:
    """The demo shows the sample; one's own data is for `dg launch`.

    Raises:
        SettingsError: a source is set to something else.
    """
    own = [
        environment_name(name)
        for name in SAMPLE_SETTINGS
        if getattr(settings, name) != Settings.model_fields[name].default
    ]
    if own:
        raise SettingsError(
            f"`make demo` shows generated sample data, but {', '.join(own)} is set. Unset it for "
            "the demo, or materialize your own data from the UI (`make dev`)."
        )


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """The Dagster instance whose history `make dev` shows."""
    prepared_home()
    with dg.DagsterInstance.get() as instance:
        free_dead_runs(instance)
        yield instance


def _generate(settings: Settings, console: Console) -> SampleSummary:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=DAYS - 1)
    if "start_date" in settings.model_fields_set:
        first = max(first, settings.start_date)
    days = (yesterday - first).days + 1
    spec = SampleSpec(first_day=first, days=days, view_days=days, ordinary_counts=True)
    with console.status("generating sample data"):
        summary = write_sample(Path(SAMPLE_FOLDER), spec)
    console.print(f"[green]✓[/] sample data in {SAMPLE_FOLDER}: {summary.events.rows:,} events")
    return summary


def _runs(spec: SampleSpec) -> list[Run]:
    """Each group of assets with the same partitions, after those that it is computed from."""
    first, last = days = spec.event_days[0], spec.event_days[-1]
    today = datetime.now(UTC).date()
    history = _keys(LIFETIME_VIEW_HISTORY)
    return [
        Run(_keys(*PLAYER_EVENT_TABLES), days),
        Run(_keys(*DAILY_VIEW_TABLES), days),
        Run(_keys(MONTHLY_VIEWS), (first.replace(day=1), last.replace(day=1))),
        Run(_keys(LIFETIME_SNAPSHOTS), (today, today)),
        Run(history, days),
        Run(history, (today, today)),
        Run((REPORT,)),
    ]


def _keys(*tables: Table) -> tuple[dg.AssetKey, ...]:
    return tuple(asset_key(table) for table in tables)


def _materialize(
    defs: dg.Definitions, run: Run, instance: dg.DagsterInstance, console: Console
) -> None:
    run_id = str(uuid4())
    with console.status(str(run)) as status:
        progress = Progress(status.update)
        instance.add_event_listener(run_id, progress.follow)
        try:
            run_assets(
                defs, run.assets, instance, workspace=WORKSPACE, tags=run.tags, run_id=run_id
            )
        finally:
            console.print(Columns(progress.lines, width=console.width // 2 - 1))


class Progress:
    """What a run has materialized.

    Attributes:
        lines: one for each asset.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        """Begin with none; `show` renews the line that says what is being computed."""
        self.lines: list[str] = []
        self._show = show
        self._shown: set[dg.AssetKey] = set()

    def follow(self, entry: dg.EventLogEntry) -> None:
        """React to one event of the run."""
        event = entry.dagster_event
        if event is None:
            return
        if event.is_step_start:
            self._show(f"computing {event.step_key}")
        elif event.is_step_failure:
            self.lines.append(f"[red]✗[/] {event.step_key} failed")
        elif event.is_step_materialization and event.asset_key not in self._shown:
            key = event.asset_key or dg.AssetKey("unknown")
            self._shown.add(key)
            metadata = event.step_materialization_data.materialization.metadata
            rows = metadata.get(f"rows_written{OF_RUN}") or metadata.get("rows_written")
            told = f": {rows.value:,} rows" if rows else ""
            self.lines.append(f"[green]✓[/] {key.to_user_string()}{told}")


def _show_results(settings: Settings, sample: SampleSummary, console: Console) -> None:
    engine = SparkEngine.from_settings(settings)
    warehouse = Warehouse(settings.warehouse, lambda: engine.spark_session)

    def read(table: Table) -> DataFrame:
        return warehouse.frame(table)

    events, views = sample.events, sample.views
    grid = Grid("what came out", "player events", "daily views")
    for label, of_events, of_views in (
        ("rows in", events.rows, views.rows),
        ("kept", read(RAW_EVENTS).count(), read(DAILY_VIDEO_VIEWS).count()),
        ("repeated", events.duplicates, views.duplicates),
        ("rejected", read(REJECTED_EVENTS).count(), read(REJECTED_DAILY_VIEWS).count()),
    ):
        grid.add_row(label, f"{of_events:,}", f"{of_views:,}")
    console.print(grid)
    console.print(
        f"{read(SESSIONS).count():,} session rows, {read(ENGAGEMENT).count():,} rows of user and "
        f"video, {read(MONTHLY_VIEWS).count():,} months of videos, {read(MISSING_DATE).count():,} "
        f"missing dates, {read(LIFETIME_SNAPSHOTS).count():,} lifetime counts"
    )
    example = read(ENGAGEMENT).where(F.col("userId") == F.lit(EXAMPLE_USER)).first()
    if example is None:
        raise RuntimeError(f"the worked example's row (user {EXAMPLE_USER}) is missing")
    values = {label: example[column] for column, label in EXAMPLE_COLUMNS.items()}
    console.print(f"The worked example: {EXAMPLE_USER}, {example['videoId']}")
    console.print(_grid(values))
    report = report_location(settings.warehouse)
    console.print(
        f"Tables: {settings.warehouse}/video/<table>, as Delta; `make sql` asks them.\n"
        f"The report, for your browser: {report}\n"
        "Next: `make dev` opens Dagster on http://localhost:3000. Click Lineage, then a table, "
        "then Materialize to compute a day again.\n"
        'Your own data: "Your own events" in README.md.',
        soft_wrap=True,
        markup=False,
    )


def _grid(values: Mapping[str, object]) -> Grid:
    """The values by their labels, two a row."""
    grid = Grid(show_header=False)
    for _ in range(2):
        grid.add_column(style="bold")
        grid.add_column(justify="right")
    cells = [
        cell
        for label, value in values.items()
        for cell in (label, f"{value:,}" if isinstance(value, int) else _plain(value))
    ]
    for first in range(0, len(cells), 4):
        grid.add_row(*cells[first : first + 4])
    return grid


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
