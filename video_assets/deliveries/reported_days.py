"""What a run reports of the rows of single days, by their fate."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable
from video_assets.sources.fates import Fate, Tally, tally_of
from video_assets.vocabulary import (
    DUPLICATES,
    ERASED,
    IGNORED,
    REJECTED_ROWS,
    SHARE_REJECTED,
    SOURCE_ROWS,
    WAITING,
)

_NAMES = {
    Fate.REPEATED: DUPLICATES,
    Fate.IGNORED: IGNORED,
    Fate.WAITING: WAITING,
    Fate.ERASED: ERASED,
    Fate.REJECTED: REJECTED_ROWS,
}


def with_days_reported(staged: Mapping[str, StagedTable], days: Days) -> dict[str, StagedTable]:
    """The tables of a chunk with what is to be reported of its days.

    Args:
        staged: with what the tasks counted of files and days, on the table of valid rows.
        days: of the chunk, which meets the rows of other days too.
    """
    return {
        name: replace(table, by_day=reported_by_day(tally_of(table.counters), days))
        for name, table in staged.items()
    }


def reported_by_day(tally: Tally, days: Days) -> dict[date, dict[str, float]]:
    """Source rows of each day, under the names that a run of that day alone gives them."""
    if not tally:
        return {}
    fates: dict[date, Counter[Fate]] = {day: Counter() for day in days}
    for cell, rows in tally.items():
        if cell.day in days:
            fates[cell.day][cell.fate] += rows
    return {day: _reported(counted) for day, counted in fates.items()}


def _reported(rows: Mapping[Fate, int]) -> dict[str, float]:
    source_rows = sum(rows.values())
    return {
        SOURCE_ROWS: source_rows,
        **{name: rows.get(fate, 0) for fate, name in _NAMES.items()},
        SHARE_REJECTED: round(100 * rows.get(Fate.REJECTED, 0) / max(source_rows, 1), 3),
    }
