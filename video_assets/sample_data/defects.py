"""What goes wrong on the way: damaged rows, repeated rows, late rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from video_assets.sample_data.spec import Ints

SHARE_BAD = 0.003
SHARE_DUPLICATED = 0.005
SHARE_LATE = 0.002
MEAN_DELIVERY_SECONDS = 2.0
LATEST_DELIVERY_SECONDS = 86_000.0
_MICROSECONDS = 1_000_000


class Damage(NamedTuple):
    """A value that makes a row unusable, and the reason for which it must be refused."""

    reason: str
    column: str
    value: Any


EVENT_DAMAGES: Sequence[Damage] = (
    Damage("missing_timestamp", "timestamp", None),
    Damage("missing_user", "userId", None),
    Damage("missing_session", "sessionId", None),
    Damage("missing_video", "videoId", ""),
    Damage("unknown_event", "eventName", "video_stalled"),
    Damage("missing_position", "currentTime", None),
    Damage("missing_position", "currentTime", float("nan")),
    Damage("negative_position", "currentTime", -1.0),
)


def choose_rows(rows: int, share: float, rng: np.random.Generator) -> Ints:
    """A share of the rows, as distinct indices in random order."""
    return rng.permutation(rows)[: round(rows * share)].astype(np.int64)


def damage(
    rows: pa.Table, chosen: Ints, damages: Sequence[Damage], first: int = 0
) -> tuple[pa.Table, Mapping[str, int]]:
    """Damage the chosen rows, one kind after another.

    Args:
        rows: the rows.
        chosen: indices of the rows to damage.
        damages: the kinds of damage.
        first: number of the first kind, so that small batches take turns.

    Returns:
        All rows in the same order, and how many are unusable for which reason.
    """
    kind = np.full(rows.num_rows, -1, dtype=np.int64)
    kind[chosen] = (first + np.arange(len(chosen))) % len(damages)
    reasons: Counter[str] = Counter()
    for number, (reason, column, value) in enumerate(damages):
        hit = kind == number
        spoilt = pc.if_else(pa.array(hit), pa.scalar(value, rows[column].type), rows[column])
        rows = rows.set_column(rows.column_names.index(column), column, spoilt)
        reasons[reason] += int(hit.sum())
    return rows, {reason: count for reason, count in reasons.items() if count}


def choose_duplicates(rows: int, damaged: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Indices of undamaged rows to deliver once more; a row may come several times."""
    sound = np.setdiff1d(np.arange(rows), damaged, assume_unique=True)
    return rng.choice(sound, count)


def delivery_times(timestamps: Ints, rng: np.random.Generator) -> Ints:
    """When rows arrive: mostly within seconds, a few (phones without network) hours later.

    Args:
        timestamps: when the rows happened, in microseconds since 1970.
        rng: the source of chance.

    Returns:
        Microseconds since 1970, less than a day after the timestamps.
    """
    delay = np.minimum(rng.exponential(MEAN_DELIVERY_SECONDS, len(timestamps)), 60.0)
    late = choose_rows(len(timestamps), SHARE_LATE, rng)
    delay[late] = rng.uniform(60.0, LATEST_DELIVERY_SECONDS, len(late))
    return timestamps + (delay * _MICROSECONDS).astype(np.int64)
