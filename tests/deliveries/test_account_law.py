"""Each row of each file has one fate, whatever is delivered, in which order, and what is killed."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_files import EVENT, write
from support.steps import LOG
from support.world import World

from resources.delta.commit import commit
from resources.engine.session import SparkEngine
from video_assets.days import DayRange
from video_assets.deliveries.account import FileVersion
from video_assets.deliveries.look import look_into
from video_assets.deliveries.pending import gapless, pending_of
from video_assets.deliveries.stale import Comparison
from video_assets.deliveries.tables import DECIDED
from video_assets.player_events.stage_events import events_delivered, stage_events
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.sources.fates import Fate

START = date(2025, 1, 2)
NOW = datetime(2025, 1, 7, 12, tzinfo=UTC)
DAYS = [START + timedelta(days=n) for n in range(5)]
NAMES = ("a.json", "b.csv", "c.parquet", "d.json")
Row = dict[str, Any]


@dataclass
class Deliveries:
    """Events in a folder, and the tables that are made of them."""

    folder: Path
    world: World
    rows_of: dict[str, int] = field(default_factory=dict)
    crashed: bool = False
    _moments: Iterator[int] = field(default_factory=lambda: count(1))

    def deliver(self, name: str, rows: Sequence[Row]) -> None:
        path = write(self.folder / name, rows)
        moment = 1_700_000_000 + next(self._moments)
        os.utime(path, (moment, moment))
        self.rows_of[name] = len(rows)

    def vanish(self, name: str) -> None:
        if len(self.rows_of) > 1 and self.rows_of.pop(name, None):
            (self.folder / name).unlink()

    def run(self, first: date, last: date, *, killed: bool = False) -> None:
        if not self.rows_of:
            return
        run = DayRange(first, last + timedelta(days=1))
        staged = stage_events(self._spark, self.world.settings, run, LOG)
        for table in staged.tables.values():
            commit(table)
        if not killed:
            staged.note()
        self.crashed |= killed

    def look(self) -> None:
        source = events_delivered(self.world.settings)
        look_into(self._spark.spark_session, source, source.every_file())

    def pending(self) -> Comparison:
        return pending_of(events_delivered(self.world.settings), self.world.settings, NOW)

    def repair(self, *, also_vanished: bool = False) -> None:
        self.look()
        pending = self.pending()
        days = sorted(pending.pending) if also_vanished else pending.to_run
        for part in gapless(days):
            self.run(part.first, part.last)
        self.crashed = False

    def require_one_fate_a_row(self) -> None:
        versions = events_delivered(self.world.settings).account().versions
        assert all(version.waiting is None or version.waiting >= 0 for version in versions.values())
        for file in events_delivered(self.world.settings).every_file():
            known = versions.get((file.stored.location, file.version))
            if known is not None and known.rows is not None:
                rows = sum(known.rows_of(fate) for fate in DECIDED) + (known.waiting or 0)
                assert rows == self.rows_of[Path(file.stored.location).name]
        if not self.crashed:
            self._require_the_tables_rows(list(versions.values()))

    def _require_the_tables_rows(self, versions: Sequence[FileVersion]) -> None:
        found = {Fate.VALID: RAW_EVENTS, Fate.REJECTED: REJECTED_EVENTS}
        for fate, table in found.items():
            stored = self.world.rows(table) if self.world.folder(table).exists() else []
            assert sum(version.rows_of(fate) for version in versions) == len(stored)

    @property
    def _spark(self) -> SparkEngine:
        return SparkEngine.from_settings(self.world.settings)


def event(day: int, second: int, user: str | None) -> Row:
    time = datetime(2025, 1, 1, 10, tzinfo=UTC) + timedelta(days=day, seconds=second)
    return EVENT | {"timestamp": time.isoformat(), "userId": user}


# Few values, so that many rows repeat each other; day 0 is before the first partition.
EVENTS = st.builds(
    event, st.integers(0, 5), st.integers(0, 2), st.sampled_from(["peter", "paul", None])
) | st.just(EVENT | {"timestamp": "no time", "userId": "peter"})
FILES = st.lists(EVENTS, min_size=1, max_size=6)
RANGES = st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(sorted)
ACTIONS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(NAMES), FILES),
    st.tuples(st.just("run"), RANGES, st.just(0)),
    st.tuples(st.just("killed"), RANGES, st.just(0)),
    st.tuples(st.just("vanish"), st.sampled_from(NAMES), st.just(0)),
    st.tuples(st.just("look"), st.just(0), st.just(0)),
)
Action = tuple[Literal["deliver", "run", "killed", "vanish", "look"], Any, Any]


@contextmanager
def deliveries() -> Iterator[Deliveries]:
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral() as instance:
        source = Path(folder) / "in"
        world = World(Path(folder) / "tables", instance, events=str(source), start_date=START)
        yield Deliveries(source, world)


def act(deliveries: Deliveries, action: Action) -> None:
    kind, what, rows = action
    if kind == "deliver":
        deliveries.deliver(what, rows)
    elif kind == "vanish":
        deliveries.vanish(what)
    elif kind == "look":
        deliveries.look()
    else:
        deliveries.run(*what, killed=kind == "killed")


@settings(deadline=None, max_examples=15)  # each example computes several times
@given(FILES, st.lists(ACTIONS, min_size=2, max_size=8))
def test_fates_add_up_and_repairs_give_what_one_clean_run_gives(
    first: Sequence[Row], actions: Sequence[Action]
) -> None:
    with deliveries() as tried:
        tried.deliver("a.json", first)
        for action in actions:
            act(tried, action)
            tried.require_one_fate_a_row()
        tried.repair()
        tried.require_one_fate_a_row()
        assert not tried.pending().to_run
        tried.repair(also_vanished=True)
        tried.require_one_fate_a_row()
        assert not tried.pending().pending
        tried.run(DAYS[-1], DAYS[-1])
        with deliveries() as clean:
            settings = tried.world.settings
            clean.world = clean.world.with_settings(events=settings.events)
            clean.rows_of = tried.rows_of
            clean.run(DAYS[0], DAYS[-1])
            assert tables_of(tried) == tables_of(clean)


def tables_of(deliveries: Deliveries) -> list[list[Row]]:
    where_from = ("source", "sourceRow", "rowText")
    world = deliveries.world
    return [world.rows(RAW_EVENTS), world.rows(REJECTED_EVENTS, where_from)]
