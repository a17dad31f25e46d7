"""Source rows of daily views, and what must become of them."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from support.tables import Row, in_order
from support.view_oracle import Expected

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


def wanted(expected: Expected) -> Mapping[str, list[Row]]:
    """The oracle's tables, ordered as those of `World.view_results`."""
    return {name: in_order(rows) for name, rows in expected.tables().items()}
