"""One warehouse, its settings and a Dagster instance: tables are computed, run and read."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from shutil import copytree
from types import MappingProxyType
from typing import Any

import dagster as dg
from dagster import ExecuteInProcessResult
from deltalake import DeltaTable
from support.steps import Steps
from support.tables import Row, stored

from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.delta.write_metadata import OF_RUN
from resources.engine.session import SparkEngine
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.definitions import build_definitions
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings

SORTED_OUT = (RAW_EVENTS, REJECTED_EVENTS)
DAILY = (*SORTED_OUT, SESSIONS)
UNDIVIDED = (VIDEO_METADATA, ENGAGEMENT)
TABLES = (*DAILY, *UNDIVIDED)
VIEWS = (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS)
MONTHS = (MONTHLY_VIEWS,)
MISSING = (MISSING_DATES, MISSING_DATE)

NO_TAGS: Mapping[str, str] = MappingProxyType({})
ORIGIN = ("source", "sourceRow", "rowText")


@dataclass(frozen=True)
class Run:
    """What Dagster recorded of one run."""

    result: ExecuteInProcessResult

    @property
    def succeeded(self) -> bool:
        return self.result.success

    def metadata(self, table: Table) -> Mapping[str, Any]:
        """What the run reports of a table; of a range, with its newest day."""
        return self._materializations(table)[-1].metadata

    def metadata_by_partition(self, table: Table) -> dict[str | None, Mapping[str, Any]]:
        """What the run reports of each partition that it materialized, as plain values."""
        return {
            said.partition: {name: entry.value for name, entry in said.metadata.items()}
            for said in self._materializations(table)
        }

    def row_count_by_partition(self, table: Table) -> dict[str | None, Any]:
        of_each = self.metadata_by_partition(table)
        return {partition: said["dagster/row_count"] for partition, said in of_each.items()}

    def _materializations(self, table: Table) -> list[dg.AssetMaterialization]:
        return [
            event.step_materialization_data.materialization
            for event in self.result.get_asset_materialization_events()
            if event.asset_key == asset_key(table)
        ]

    def counted(self, table: Table, name: str) -> Any:
        """What the run counted in all of its partitions."""
        metadata = self.metadata(table)
        return (metadata.get(f"{name}{OF_RUN}") or metadata[name]).value

    def rows_per_day(self, table: Table) -> dict[date, int]:
        records = self.metadata(table)["rows_per_day"].records
        return {date.fromisoformat(str(r.data["day"])): int(str(r.data["rows"])) for r in records}

    @property
    def error(self) -> Any:
        """The asset's own error, as the one failed step of the run shows it."""
        [failure] = self.result.get_step_failure_events()
        return failure.step_failure_data.error.cause  # type: ignore[union-attr]


class World:
    """All tables with some settings, on one Dagster instance; without it, nothing can run.

    The instance may also come from a function, which is called when a run first needs it.
    """

    def __init__(
        self,
        warehouse: Path,
        instance: dg.DagsterInstance | Callable[[], dg.DagsterInstance] | None = None,
        **settings: Any,
    ) -> None:
        self._instance = instance
        self.settings = Settings(warehouse=str(warehouse), _env_file=None, **settings)

    @property
    def instance(self) -> dg.DagsterInstance:
        """What Dagster recorded."""
        assert self._instance is not None
        return self._instance() if callable(self._instance) else self._instance

    @cached_property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.settings)

    @cached_property
    def _spark(self) -> SparkEngine:
        return SparkEngine.from_settings(self.settings)

    def asset(self, table: Table) -> dg.AssetsDefinition:
        """The declaration of a table's asset."""
        return self.definitions.resolve_asset_graph().get(asset_key(table)).assets_def

    def partition_keys(self, table: Table) -> Sequence[str]:
        """All partitions of a table's asset, as of now."""
        partitions = self.asset(table).partitions_def
        assert partitions is not None
        return partitions.get_partition_keys()

    def with_settings(self, **changed: Any) -> "World":
        """The same warehouse and instance, seen with other settings."""
        kept = self.settings.model_dump(exclude={"warehouse"}) | changed
        return World(Path(self.settings.warehouse), self._instance, **kept)

    def compute(self, *days: date, tables: Collection[Table] = TABLES) -> Mapping[str, StagedTable]:
        """Fill tables by their steps alone, many times faster than a run, and without checks.

        Takes the days as `run` does. Raises what a step raises.
        """
        return Steps(self.settings, days, self._spark).compute(tables)

    def run(self, *days: date, tables: Collection[Table] = TABLES) -> Run:
        """Materialize a day, or the days from one to another in a single run.

        Without any day the tables must be such as have none. Raises what the run raises.
        """
        return self._run(days, tables, NO_TAGS, fail=True)

    def attempt(
        self,
        *days: date,
        tables: Collection[Table] = TABLES,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> Run:
        """The same, where the run's failure is to be looked at."""
        return self._run(days, tables, tags, fail=False)

    def _run(
        self,
        days: Sequence[date],
        tables: Collection[Table],
        tags: Mapping[str, str],
        *,
        fail: bool,
    ) -> Run:
        with deprecations_of_dagster_itself():
            result = dg.materialize(
                [*(self.definitions.assets or ()), *(self.definitions.asset_checks or ())],  # type: ignore[list-item]
                resources=self.definitions.resources,
                instance=self.instance,
                selection=[asset_key(table) for table in tables],
                partition_key=days[0].isoformat() if len(days) == 1 else None,
                tags={**tags, **(range_tags(*days) if len(days) > 1 else {})},
                raise_on_error=fail,
            )
        return Run(result)

    def delta(self, table: Table) -> DeltaTable:
        return DeltaTable(str(self.folder(table)))

    def folder(self, table: Table) -> Path:
        return Path(self.settings.warehouse) / "video" / table.name

    def rows(self, table: Table, leaving_out: Collection[str] = ()) -> list[Row]:
        """All rows, in an order that their values decide."""
        return stored(self.delta(table), leaving_out)

    def event_results(self) -> dict[str, list[Row]]:
        """What no two runs over the same events may differ in."""
        return {
            RAW_EVENTS.name: self.rows(RAW_EVENTS),
            REJECTED_EVENTS.name: self.rows(REJECTED_EVENTS, ORIGIN),
            SESSIONS.name: self.rows(SESSIONS),
            ENGAGEMENT.name: self.rows(ENGAGEMENT, ("processedAt",)),
        }

    def view_results(self) -> dict[str, list[Row]]:
        """The same of daily views."""
        return {
            table.name: self.rows(table, ORIGIN if table is REJECTED_DAILY_VIEWS else ())
            for table in (*VIEWS, *MONTHS, *MISSING)
        }

    def files(self) -> dict[str, int]:
        """Every file below the warehouse with its size, committed or not."""
        root = Path(self.settings.warehouse)
        files = (path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.stat().st_size for path in files}


def range_tags(first: date, last: date) -> dict[str, str]:
    """How Dagster's command line and its UI ask for a range in a single run."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }


def months_of(first: date, last: date) -> list[date]:
    """The months from that of a day to that of another one, as the days of a run."""
    return sorted({first.replace(day=1), last.replace(day=1)})


@contextmanager
def world(warehouse: Path, **settings: Any) -> Iterator[World]:
    """A world whose Dagster instance is gone after the block."""
    with ExitStack() as closing:
        instance = cache(lambda: closing.enter_context(dg.DagsterInstance.ephemeral()))
        yield World(warehouse, instance, **settings)


@contextmanager
def copy_of(made: World, warehouse: Path) -> Iterator[World]:
    """The tables of a world in another folder, to go on with, and nothing of what Dagster knows."""
    copytree(made.settings.warehouse, warehouse)
    with world(warehouse, **made.settings.model_dump(exclude={"warehouse"})) as copied:
        yield copied


@contextmanager
def deprecations_of_dagster_itself() -> Iterator[None]:
    """A resource within a resource makes Dagster call what it has deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "InitResourceContext.dagster_run", DeprecationWarning)
        yield
