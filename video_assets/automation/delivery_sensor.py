"""The sensor that has new deliveries computed: the days that they concern, and those alone."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import BaseModel, ConfigDict, ValidationError

from video_assets.catalog import PARTITION_TAG, RANGE_TAGS, asset_key
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS
from video_assets.days import DayRange
from video_assets.deliveries.account import key_of
from video_assets.deliveries.delivery import Source
from video_assets.deliveries.pending import gapless, pending_of
from video_assets.deliveries.stale import Comparison, Pending, Reason
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS, USER_ALIASES
from video_assets.settings import Settings
from video_assets.source_files.sources import sources_of
from video_assets.sources.errors import SourceError
from video_assets.sources.listing import FoundFile
from video_assets.unfinished_days import SECONDS_BETWEEN_LOOKS, last_partition

SENSOR = "new_deliveries"
INTERVAL_SECONDS = 300
# A day that stays stale is not computed at each look: its files may be what is wrong.
TRIES = 3
_THEN_EVERY = timedelta(days=1)
_SOURCE_TAG = "video_assets/delivered"
_LOOK = [asset_key(SOURCE_FILES)]
_STEPS = {
    RAW_EVENTS.name: [asset_key(RAW_EVENTS), asset_key(REJECTED_EVENTS)],
    DAILY_VIDEO_VIEWS.name: [asset_key(DAILY_VIDEO_VIEWS), asset_key(REJECTED_DAILY_VIEWS)],
    VIDEO_METADATA.name: [asset_key(VIDEO_METADATA)],
    USER_ALIASES.name: _LOOK,
}
# What today's events go through in one run; other days' sessions follow by their conditions.
_UP_TO_ENGAGEMENT = [*_STEPS[RAW_EVENTS.name], asset_key(SESSIONS), asset_key(ENGAGEMENT)]
_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class Asked(BaseModel):
    """That something was asked for, and is still pending.

    Attributes:
        why: digest of the files because of which it was.
        times: how often.
        last: when it was asked last, UTC.
    """

    model_config = ConfigDict(frozen=True)

    why: str
    times: int
    last: datetime


class Looked(BaseModel):
    """What a look leaves for the next one.

    Attributes:
        growing: version and size of the files that may not be whole, by digest of their path.
        asked: what was asked for and is still pending, by source and day.
    """

    model_config = ConfigDict(frozen=True)

    growing: Mapping[str, str] = {}
    asked: Mapping[str, Asked] = {}

    @classmethod
    def of(cls, cursor: str | None) -> "Looked":
        """What the look before left; nothing, if there was none."""
        try:
            return cls.model_validate_json(cursor) if cursor else cls()
        except ValidationError:
            return cls()


def delivery_sensor(
    settings: Settings,
    seconds_between_looks: int | None = None,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """The sensor `new_deliveries`, off until somebody switches it on.

    Args:
        settings: sources, warehouse and days.
        seconds_between_looks: None: five minutes; half a one where today is kept current.
        default_status: whether it is on.
    """
    usual = SECONDS_BETWEEN_LOOKS if settings.include_today else INTERVAL_SECONDS

    @dg.sensor(
        name=SENSOR,
        minimum_interval_seconds=seconds_between_looks or usual,
        default_status=default_status,
        target=dg.AssetSelection.assets(*{key for keys in _STEPS.values() for key in keys}),
        description="Looks for files that came, changed or vanished, and has exactly the days "
        "computed that they concern, a run for each range without a gap. A file that may still "
        "grow waits for the next look; a file that vanished removes nothing by itself.",
    )
    def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return look(context.instance, settings, Looked.of(context.cursor), datetime.now(UTC))

    return new_deliveries


def look(
    instance: dg.DagsterInstance, settings: Settings, before: Looked, now: datetime
) -> dg.SensorResult:
    """What a look asks for.

    Args:
        instance: where the runs are that are queued or running.
        settings: sources, warehouse and days.
        before: what the look before left.
        now: UTC time.
    """
    look_ = _Look(settings, before, now, _Running.of(instance))
    requests = list(look_.requests())
    return dg.SensorResult(
        run_requests=requests,
        cursor=look_.left().model_dump_json(),
        skip_reason=None if requests else look_.reason(),
    )


class _Running:
    """The runs that are queued or running."""

    def __init__(self, runs: Sequence[dg.DagsterRun]) -> None:
        self._runs = runs

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> "_Running":
        return cls(instance.get_runs(dg.RunsFilter(statuses=_IN_PROGRESS)))

    def computes(self, keys: Iterable[dg.AssetKey], day: date | None) -> bool:
        """Whether one of them computes an asset's day; of an asset without days, the asset."""
        return any(self._concerns(run, set(keys)) and _holds(run, day) for run in self._runs)

    @staticmethod
    def _concerns(run: dg.DagsterRun, keys: set[dg.AssetKey]) -> bool:
        selected = run.asset_selection
        return selected is None or not keys.isdisjoint(selected)


def _holds(run: dg.DagsterRun, day: date | None) -> bool:
    first, last = (run.tags.get(tag) for tag in RANGE_TAGS)
    first = first or run.tags.get(PARTITION_TAG)
    if day is None or first is None:
        return day is None
    return first <= str(day) <= (last or first)


class _Look:
    """One look at all sources."""

    def __init__(
        self, settings: Settings, before: Looked, now: datetime, running: _Running
    ) -> None:
        self._settings = settings
        self._before = before
        self._now = now
        self._today = now.astimezone(UTC).date()
        self._running = running
        self._growing: dict[str, str] = {}
        self._asked: dict[str, Asked] = {}
        self._notes: list[str] = []

    def requests(self) -> Iterator[dg.RunRequest]:
        """The runs to start."""
        unknown: list[FoundFile] = []
        for source in sources_of(self._settings):
            try:
                pending = pending_of(source, self._settings, self._now, self._not_whole)
            except SourceError as error:
                self._notes.append(str(error))
                continue
            if source.is_of_events and self._came_today(pending.unknown):
                pending = replace(pending, pending=self._with_today(pending), unknown=())
            unknown += pending.unknown
            yield from self._runs_of(source, pending)
        if unknown and self._may_ask(SOURCE_FILES.name, _LOOK, None, _digest(_of_files(unknown))):
            yield dg.RunRequest(asset_selection=_LOOK, tags={_SOURCE_TAG: SOURCE_FILES.name})

    def left(self) -> Looked:
        """What is left for the next look."""
        return Looked(growing=self._growing, asked=self._asked)

    def reason(self) -> str:
        """Why there is nothing to do."""
        waiting = f"{len(self._growing)} files may still grow" if self._growing else ""
        tried = "what is pending runs, or was tried before" if self._asked else ""
        return "; ".join(filter(None, [*self._notes, waiting, tried])) or "nothing new"

    def _runs_of(self, source: Source, pending: Comparison) -> Iterator[dg.RunRequest]:
        keys, tags = _STEPS[source.table.name], {_SOURCE_TAG: source.name}
        is_daily = source.table.partition_by is not None
        # What else these files have is known after a look: then one run has all.
        unknown = {file.stored.location for file in pending.unknown}
        known = [d for d in pending.to_run if unknown.isdisjoint(pending.pending[d].paths)]
        days = [
            day
            for day in known
            if self._may_ask(
                source.name, keys, day if is_daily else None, _why(pending.pending[day])
            )
        ]
        if days and not is_daily:
            yield dg.RunRequest(asset_selection=keys, tags=tags)
            return
        if source.is_of_events and self._today in days:
            days.remove(self._today)
            yield _request(_UP_TO_ENGAGEMENT, tags, DayRange.single(self._today))
        yield from (_request(keys, tags, range_) for range_ in gapless(days))

    def _came_today(self, unknown: Sequence[FoundFile]) -> bool:
        """Whether files came since midnight alone, and today is a partition.

        A run of today reads what nobody read yet, and tells which other days the files have.
        """
        if not unknown or last_partition(self._settings, self._now) != self._today:
            return False
        modified = (file.stored.modified for file in unknown)
        return all(time and time.astimezone(UTC).date() >= self._today for time in modified)

    def _with_today(self, compared: Comparison) -> dict[date, Pending]:
        today = compared.pending.get(self._today)
        came = dict.fromkeys(map(key_of, compared.unknown), Reason.CAME)
        return {
            **compared.pending,
            self._today: Pending({**(today.files if today else {}), **came}, today is not None),
        }

    def _may_ask(self, name: str, keys: Sequence[dg.AssetKey], day: date | None, why: str) -> bool:
        """Whether to ask for something that is pending; notes that it was."""
        what = f"{name} {day or ''}".strip()
        earlier = self._before.asked.get(what)
        asked = earlier if earlier and earlier.why == why else None
        is_due = not asked or asked.times < TRIES or self._now - asked.last >= _THEN_EVERY
        if self._running.computes(keys, day) or not is_due:
            if asked:
                self._asked[what] = asked
            return False
        times = asked.times + 1 if asked else 1
        self._asked[what] = Asked(why=why, times=times, last=self._now)
        return True

    def _not_whole(self, new: Sequence[FoundFile]) -> Iterator[FoundFile]:
        """New files that changed a moment ago, unless the look before saw them as they are."""
        for file in new:
            state = f"{file.stored.size} {file.version}"
            path = _digest([file.stored.location])
            modified = file.stored.modified
            age = self._now - modified if modified else timedelta.max
            if age.total_seconds() >= self._settings.settle_seconds:
                continue
            if self._before.growing.get(path) == state:
                continue
            self._growing[path] = state
            yield file


def _request(keys: Sequence[dg.AssetKey], tags: Mapping[str, str], days: DayRange) -> dg.RunRequest:
    if days.first == days.last:
        return dg.RunRequest(
            asset_selection=list(keys), partition_key=str(days.first), tags=dict(tags)
        )
    ends = dict(zip(RANGE_TAGS, (str(days.first), str(days.last)), strict=True))
    return dg.RunRequest(asset_selection=list(keys), tags={**tags, **ends})


def _why(pending: Pending) -> str:
    return _digest(f"{key} {reason}" for key, reason in pending.files.items())


def _of_files(files: Iterable[FoundFile]) -> Iterator[str]:
    return (f"{file.stored.location} {file.version}" for file in files)


def _digest(parts: Iterable[Any]) -> str:
    return hashlib.sha256("\n".join(sorted(map(str, parts))).encode()).hexdigest()[:12]
