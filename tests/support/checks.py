"""Small stored tables, and what the checks say about them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from pyspark.sql import SparkSession
from support.tables import Row, day, frame
from support.world import World

from asset_checks.dagster_checks import thresholds_of
from asset_checks.definitions import RULES
from asset_checks.evaluate import find
from asset_checks.rules import CheckInput, Rule, WrittenRows
from asset_checks.verdict import verdict
from resources.delta.commit import commit
from resources.delta.stage import stage_frame
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
)
from video_assets.days import DayRange
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings.checks import CheckThresholds

START = date(2025, 1, 1)
NOON = datetime(2025, 1, 10, 12, tzinfo=UTC)


def days(first: int, last: int | None = None) -> DayRange:
    return DayRange(day(first), day((last or first) + 1))


def event(number: int, **changed: Any) -> Row:
    """One event at noon of a day of January."""
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=number - 1)
    row = dict.fromkeys(("userId", "sessionId", "videoId"), "x")
    return {
        **row,
        "timestamp": noon,
        "eventName": "video_play",
        "currentTime": 0.0,
        "eventDate": day(number),
        **changed,
    }


def events(number: int, count: int) -> list[Row]:
    return [event(number, userId=f"user {n}") for n in range(count)]


def refused(on: date, count: int = 1) -> list[Row]:
    row = {"reason": "missing_user", "rowText": "{}", "source": "events.json", "eventDate": on}
    return [{**row, "sourceRow": n + 1} for n in range(count)]


def day_of_video(number: int, **changed: Any) -> Row:
    """What `session` gives of a video and day."""
    numbers = dict.fromkeys(("completions", "forwardSkips", "backwardSkips", "daysSinceFirst"), 0)
    return {
        **numbers,
        "videoId": "v1",
        "date": day(number),
        "plays": 1,
        "viewers": 1,
        "newViewers": 0,
        "sessions": 1,
        "watchSeconds": 20.0,
        "uniqueSeconds": 20.0,
        **changed,
    }


def session(number: int, **changed: Any) -> Row:
    """One session of 20 s and 2 events on a day of January."""
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=number - 1)
    numbers = dict.fromkeys(("pauseCount", "endedCount", "forwardSkips", "backwardSkips"), 0)
    return {
        **numbers,
        "userId": "peter",
        "videoId": "v1",
        "sessionId": "s1",
        "sessionDate": day(number),
        "sessionNumber": 1,
        "isContinuation": False,
        "firstEventTime": noon,
        "lastEventTime": noon + timedelta(seconds=20),
        "elapsedSeconds": 20.0,
        "watchTime": 20.0,
        "uniqueSecondsWatched": 20.0,
        "watchedIntervals": [{"start": 0.0, "end": 20.0}],
        "maxPosition": 20.0,
        "playCount": 1,
        "eventCount": 2,
        "unterminatedPosition": None,
        "segmentCount": 1,
        "playedSeconds": 20.0,
        "tooLongSegments": 0,
        "tooFastSegments": 0,
        **changed,
    }


def intervals(*ends: tuple[float, float]) -> list[dict[str, float]]:
    return [{"start": start, "end": end} for start, end in ends]


def engaged(**changed: Any) -> Row:
    """What `session` on one day gives of a video of 40 s."""
    numbers = dict.fromkeys(("totalForwardSkips", "totalBackwardSkips", "completionCount"), 0)
    return {
        **numbers,
        "userId": "peter",
        "videoId": "v1",
        "videoTitle": None,
        "videoDuration": 40.0,
        "isDurationEstimated": False,
        "totalWatchTime": 20.0,
        "totalUniqueSecondsWatched": 20.0,
        "maxPositionReached": 20.0,
        "watchPercentage": 50.0,
        "completionPercentage": 50.0,
        "uniqueWatchPercentage": 50.0,
        "sessionCount": 1,
        "avgWatchTimePerSession": 20.0,
        "avgSessionDuration": 20.0,
        "avgPausesPerSession": 0.0,
        "isCompletedAtLeastOnce": False,
        "engagementScore": 20.33,
        "engagementTier": "Low",
        "firstWatchDate": NOON - timedelta(days=8),
        "lastWatchDate": NOON - timedelta(days=8),
        "isReplay": False,
        "dataQualityFlag": "ok",
        "processedAt": NOON - timedelta(hours=1),
        "creditedWatchTime": 0.0,
        **changed,
    }


def viewed(video: str, on: date, count: int | None = 1) -> Row:
    return {
        "channel_id": "c1",
        "video_id": video,
        "created_date": START,
        "date": on,
        "viewCount": count,
        "reportedCount": count or 0,
    }


def month(video: str, start: date, count: int | None) -> Row:
    return {
        "channel_id": "c1",
        "video_id": video,
        "month": f"{start:%Y-%m}",
        "aggViewCount": count,
        "month_start": start,
    }


def gaps(video: str, *missing: date) -> Row:
    return {**_video(video), "missing_dates": list(missing)}


def gap(video: str, missing: date) -> Row:
    return {**_video(video), "missing_date": missing}


def snapshot(video: str, on: date, count: int | None) -> Row:
    return {**_video(video), "date": on, "viewCount": count}


def _video(video: str) -> Row:
    return {"channel_id": "c1", "video_id": video, "created_date": START}


class Checked(World):
    """A world whose tables are filled by hand, and what the checks say of them."""

    def __init__(self, spark: SparkSession, warehouse: Path, **settings: Any) -> None:
        super().__init__(warehouse, start_date=START, events="events", **settings)
        self.spark = spark
        self.thresholds = thresholds_of(self.settings)
        self.now = NOON
        self.newest_write: WrittenRows | None = None

    def holds(self, table: Table, rows: Iterable[Row], *, also: Iterable[date] = ()) -> None:
        """Store rows in place of what their days, or the table, held; `also` days hold none."""
        rows = list(rows)
        replaced = None
        if table.partition_by is not None:
            replaced = frozenset(row[table.partition_by] for row in rows) | frozenset(also)
        commit(
            stage_frame(frame(self.spark, rows, table), self.settings.warehouse, table, replaced)
        )

    def raw(self, *rows: Row) -> None:
        self.holds(RAW_EVENTS, rows)

    def rejected(self, *rows: Row) -> None:
        self.holds(REJECTED_EVENTS, rows)

    def sessions(self, *rows: Row) -> None:
        self.holds(SESSIONS, rows)

    def engagement(self, *rows: Row) -> None:
        self.holds(ENGAGEMENT, rows)

    def views(self, *rows: Row) -> None:
        self.holds(DAILY_VIDEO_VIEWS, rows)

    def months(self, *rows: Row) -> None:
        self.holds(MONTHLY_VIEWS, rows)

    def missing(self, arrays: Sequence[Row], rows: Sequence[Row]) -> None:
        self.holds(MISSING_DATES, arrays)
        self.holds(MISSING_DATE, rows)

    def snapshots(self, *rows: Row) -> None:
        self.holds(LIFETIME_SNAPSHOTS, rows)

    def tolerate(self, **thresholds: float) -> None:
        self.thresholds = CheckThresholds(**thresholds)

    def results(
        self, table: Table, run: DayRange | None = None
    ) -> Mapping[str, dg.AssetCheckResult]:
        """What every check of a table that applies says, over a run's days or the whole table."""
        return Results(self._given(table, run))

    def _given(self, table: Table, run: DayRange | None) -> CheckInput:
        return CheckInput(
            stored=Warehouse(self.settings.warehouse, lambda: self.spark).snapshot(),
            settings=self.settings,
            thresholds=self.thresholds,
            table=table,
            days=run,
            now=self.now,
            newest_write=lambda: self.newest_write,
            counts_by_day=self._reported,
        )

    def _reported(self, asked: Iterable[date]) -> Mapping[date, Mapping[str, float]]:
        """As runs of one day each tell it."""
        written = self.newest_write
        single = written is not None and len(written.days.days) == 1
        return {day: written.counts for day in asked if single and day in written.days.days}

    def failing(self, table: Table, run: DayRange | None = None) -> list[str]:
        """The checks of a table that do not pass, all found together as in a run."""
        given = self._given(table, run)
        found = find(_rules(given), given)
        return [rule.name for rule, one in found if not verdict(rule, one, given).passed]

    def fails(self, check: str, table: Table, run: DayRange | None = None) -> bool:
        """Whether a check of a table applies and does not pass."""
        assert check in {rule.name for rule in RULES[table.name]}
        results = self.results(table, run)
        return check in results and not results[check].passed


class Results(Mapping[str, dg.AssetCheckResult]):
    """What checks say, each of them found when it is looked at."""

    def __init__(self, given: CheckInput) -> None:
        self._given = given
        self._applying = {rule.name: rule for rule in _rules(given) if rule.applies(given)}

    def __getitem__(self, name: str) -> dg.AssetCheckResult:
        [(rule, finding)] = find([self._applying[name]], self._given)
        return dg.AssetCheckResult(**verdict(rule, finding, self._given).of(rule))

    def __iter__(self) -> Iterator[str]:
        return iter(self._applying)

    def __len__(self) -> int:
        return len(self._applying)


def _rules(given: CheckInput) -> Sequence[Rule]:
    return RULES[given.table.name]


def value(said: dg.AssetCheckResult, name: str) -> Any:
    """One entry of the metadata, as plain data."""
    entry = said.metadata[name]
    return entry.value if isinstance(entry, dg.MetadataValue) else entry


def sample_of(said: dg.AssetCheckResult) -> list[dict[str, Any]]:
    table = said.metadata["sample"]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def nullable(rows: Sequence[Row], table: Table) -> pa.Table:
    """Rows as a foreign writer might store them: nothing is required."""
    schema = pa.schema([field.with_nullable(True) for field in table.arrow_schema])  # noqa: FBT003 (Arrow's signature)
    return pa.Table.from_pylist(list(rows), schema=schema)
