"""The platform beside a sender: looks every day, computes what is asked for, and is killed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
from support.late_deliveries import Sender, Truth
from support.steps import LOG
from support.world import DAILY, World

from resources.delta.commit import commit
from resources.engine.session import SparkEngine
from video_assets.automation.delivery_sensor import Looked, look
from video_assets.catalog import PARTITION_TAG, RANGE_TAGS
from video_assets.days import DayRange
from video_assets.deliveries.look import look_into
from video_assets.deliveries.pending import gapless, pending_of
from video_assets.deliveries.tables import DECIDED
from video_assets.player_events.stage_events import events_delivered, stage_events

# Computes days of events, or is killed while it does.
Compute = Callable[[World, DayRange], None]
LOOKS_A_DAY = 8


@dataclass
class Platform:
    """Tables that follow a sender day by day.

    Attributes:
        world: the tables.
        instance: where runs would be recorded.
        compute: what a run does.
        day_runs: how many days were computed.
    """

    world: World
    instance: dg.DagsterInstance
    compute: Compute
    day_runs: int = 0
    truth: Truth = field(default_factory=Truth)
    _left: Looked = field(default_factory=Looked)

    def live(self, sender: Sender) -> None:
        """From the first file to the last, and until nothing is left to do."""
        for number in range((sender.last - sender.first).days + 1):
            day = sender.first + timedelta(days=number)
            sender.deliver(day)
            self.truth.note(sender.files_by_day(), sender.first, day)
            self._work(datetime(day.year, day.month, day.day, 2, tzinfo=UTC))

    def repair_vanished(self) -> None:
        """Compute the days of files that vanished, as a person would."""
        for part in gapless(sorted(self.pending())):
            plainly(self.world, part)

    def pending(self) -> Sequence[date]:
        """The days that are not as their files have them, vanished ones included."""
        later = datetime(2026, 1, 1, tzinfo=UTC)
        return list(
            pending_of(events_delivered(self.world.settings), self.world.settings, later).pending
        )

    def require_one_fate_a_row(self, rows: dict[str, int]) -> None:
        """The account of each file that is there adds up to its rows."""
        source = events_delivered(self.world.settings)
        versions = source.account().versions
        for file in source.every_file():
            known = versions[(file.stored.location, file.version)]  # type: ignore[index]
            accounted = sum(known.rows_of(fate) for fate in DECIDED) + (known.waiting or 0)
            assert accounted == rows[Path(file.stored.location).name]

    def _work(self, now: datetime) -> None:
        for _ in range(LOOKS_A_DAY):
            now += timedelta(minutes=5)
            result = look(self.instance, self.world.settings, self._left, now)
            self._left = Looked.of(result.cursor)
            if not result.run_requests:
                return
            for request in result.run_requests:
                self._run(request)

    def _run(self, request: dg.RunRequest) -> None:
        days = [request.tags[tag] for tag in RANGE_TAGS if tag in request.tags]
        days = days or [d for d in (request.partition_key, request.tags.get(PARTITION_TAG)) if d]
        if not days:
            source = events_delivered(self.world.settings)
            look_into(engine(self.world).spark_session, source, source.every_file())
            return
        run = DayRange.single(date.fromisoformat(days[0]))
        run = DayRange(run.first, DayRange.single(date.fromisoformat(days[-1])).end)
        self.day_runs += len(run.days)
        self.compute(self.world, run)


def plainly(world: World, run: DayRange) -> None:
    """Compute days to the end."""
    world.compute(
        *(run.days[:1] + run.days[-1:] if len(run.days) > 1 else run.days), tables=DAILY[:2]
    )


def crashing(world: World, run: DayRange, after: int) -> None:
    """Compute days, and stop after 0, 1 or all of the commits, before the account is written."""
    staged = stage_events(engine(world), world.settings, run, LOG)
    for table in list(staged.tables.values())[:after]:
        commit(table)


def engine(world: World) -> SparkEngine:
    """The engine of a world."""
    return SparkEngine.from_settings(world.settings)
