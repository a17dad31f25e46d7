"""What the sensor `new_deliveries` asks for, and runs of it, at any time of the day."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from support.source_files import write
from support.world import World, deprecations_of_dagster_itself

from resources.delta.table import Table
from video_assets.automation.delivery_sensor import Looked, look
from video_assets.catalog import RANGE_TAGS, asset_key
from video_assets.deliveries.tables import SOURCE_FILES

Asked = tuple[str, str]


@dataclass
class Lookout:
    """The sensor and the runs that it starts.

    Attributes:
        world: the tables.
        instance: where runs are recorded.
        now: the time of the next look.
    """

    world: World
    instance: dg.DagsterInstance
    now: datetime
    left: Looked = field(default_factory=Looked)
    runs: list[Asked] = field(default_factory=list)

    def deliver(self, path: Path, rows: Sequence[Any], age: timedelta = timedelta(hours=1)) -> Path:
        """A file that was whole some time ago."""
        write(path, rows)
        moment = (self.now - age).timestamp()
        os.utime(path, (moment, moment))
        return path

    def look(self, after: timedelta = timedelta(minutes=5)) -> list[Asked]:
        """What is asked for; the first table and the partitions of each run."""
        return [_asked(request) for request in self._requests(after)]

    def work(self, most: int = 6) -> list[Asked]:
        """Look and run until there is nothing to do; the runs."""
        done: list[Asked] = []
        for _ in range(most):
            requests = self._requests(timedelta(minutes=5))
            if not requests:
                return done
            for request in requests:
                self._run(request)
                done.append(_asked(request))
        raise AssertionError(f"there is always something to do: {done}")

    def checks(self, *tables: Table) -> dict[str, dg.AssetCheckEvaluation]:
        """What the checks of whole tables find, without any those of the account."""
        keys = [asset_key(table) for table in tables or (SOURCE_FILES,)]
        selection = dg.AssetSelection.checks_for_assets(*keys)
        with deprecations_of_dagster_itself():
            result = self._materialize(selection)
        return {check.check_name: check for check in result.get_asset_check_evaluations()}

    def _requests(self, after: timedelta) -> list[dg.RunRequest]:
        self.now += after
        result = look(self.instance, self.world.settings, self.left, self.now)
        self.left = Looked.of(result.cursor)
        return list(result.run_requests or ())

    def _run(self, request: dg.RunRequest) -> None:
        selection = dg.AssetSelection.assets(*(request.asset_selection or ()))
        with deprecations_of_dagster_itself():
            self._materialize(
                selection, partition_key=request.partition_key, tags=dict(request.tags)
            )

    def _materialize(self, selection: dg.AssetSelection, **more: Any) -> Any:
        definitions = self.world.definitions
        return dg.materialize(
            [*(definitions.assets or ()), *(definitions.asset_checks or ())],  # type: ignore[list-item]
            resources=definitions.resources,
            instance=self.instance,
            selection=selection,
            raise_on_error=False,
            **more,
        )


def _asked(request: dg.RunRequest) -> Asked:
    [first, *_] = request.asset_selection or ()
    ends = [request.tags[tag] for tag in RANGE_TAGS if tag in request.tags]
    return first.path[-1], "...".join(ends) or request.partition_key or ""


def moment(day: int, hour: int = 12) -> datetime:
    """A time of January 2025."""
    return datetime(2025, 1, day, hour, tzinfo=UTC)
