"""Runs of the assets of daily views, and the rows that they leave behind."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
from support.view_oracle import Expected
from support.world import Row, Run, World, in_order

from resources.delta.table import Table
from video_assets.catalog import asset_key
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)

VIEWS = (DAILY_VIDEO_VIEWS, REJECTED_DAILY_VIEWS)
MONTHS = (MONTHLY_VIEWS,)
MISSING = (MISSING_DATES, MISSING_DATE)
VIEW_TABLES = (*VIEWS, *MONTHS, *MISSING)
ORIGIN = ("source", "sourceRow", "rowText")

LARGE = 2**53 + 1


def view(video: str, day: date, count: int | None = 1, **changed: object) -> Row:
    """One source row, of a video of the day's month."""
    row = {"channel_id": "c1", "video_id": video, "created_date": day.replace(day=1)}
    return {**row, "date": day, "viewCount": count, **changed}


def restless_views(seed: int, first: date, days: int) -> list[Row]:
    """Counts that rise, rest and fall, with gaps, repeats, conflicts and bad rows, shuffled."""
    chance = random.Random(seed)  # noqa: S311 (a test's counts are no secret)
    rows = []
    for number in range(12):
        created = first + timedelta(days=chance.randrange(-3, days // 2))
        count = LARGE if number == 0 else 0
        for day in (first + timedelta(days=n) for n in range(days)):
            count = max(0, count + chance.choice((0, 1, 40, 500, -3)))
            if day >= created and chance.random() < 1 / 2:
                seen = None if chance.random() < 1 / 10 else created
                shown = 0 if chance.random() < 1 / 10 else count
                row = view(f"v{number}", day, shown, created_date=seen)
                rows += [row, *_repeats(row, chance)]
    chance.shuffle(rows)
    return rows


def _repeats(row: Row, chance: random.Random) -> Sequence[Row]:
    kinds: Sequence[Sequence[Row]] = (
        [row],
        [{**row, "channel_id": "c2"}, {**row, "viewCount": row["viewCount"] + 3}],
        [{**row, "viewCount": None}, {**row, "viewCount": -7}],
        [{**row, "video_id": None}, {**row, "date": None}],
        [{**row, "created_date": row["date"] + timedelta(days=1), "viewCount": 0}],
        [{**row, "viewCount": 0}],
    )
    return chance.choice(kinds) if chance.random() < 1 / 3 else []


def numbered(rows: Sequence[Row], parts: int = 3) -> list[Row]:
    """The rows with the numbers of the files that they are delivered in."""
    size = -(-len(rows) // parts)
    return [{**row, "file": place // size} for place, row in enumerate(rows)]


def asset_of(views: World, table: Table) -> dg.AssetsDefinition:
    """The declaration of a table's asset."""
    return views.definitions.resolve_asset_graph().get(asset_key(table)).assets_def


def partition_keys(views: World, table: Table) -> Sequence[str]:
    """All partitions of a table's asset, as of now."""
    partitions = asset_of(views, table).partitions_def
    assert partitions is not None
    return partitions.get_partition_keys()


def materializations(run: Run, table: Table) -> dict[str | None, Mapping[str, Any]]:
    """What a run reports of each partition that it materialized."""
    return {
        event.partition: {name: entry.value for name, entry in said(event).items()}
        for event in run.result.get_asset_materialization_events()
        if event.asset_key == asset_key(table)
    }


def said(event: dg.DagsterEvent) -> Mapping[str, dg.MetadataValue[Any]]:
    """The metadata of a materialization."""
    return event.step_materialization_data.materialization.metadata


def months_of(first: date, last: date) -> list[date]:
    """The months from that of a day to that of another one, as the days of a run."""
    return sorted({first.replace(day=1), last.replace(day=1)})


def view_results(views: World) -> Mapping[str, list[Row]]:
    """What no two runs over the same rows may differ in."""
    return {
        table.name: views.rows(table, ORIGIN if table is REJECTED_DAILY_VIEWS else ())
        for table in VIEW_TABLES
    }


def wanted(expected: Expected) -> Mapping[str, list[Row]]:
    """The oracle's tables, ordered as those of `view_results`."""
    return {name: in_order(rows) for name, rows in expected.tables().items()}
