"""Whether two results hold the same engagement rows."""

from pathlib import Path

import duckdb

_KEY = ("userId", "videoId")
_EXACT = (
    "videoTitle",
    "isDurationEstimated",
    "sessionCount",
    "totalForwardSkips",
    "totalBackwardSkips",
    "completionCount",
    "isCompletedAtLeastOnce",
    "isReplay",
    "hasReachedEnd",
    "dataQualityFlag",
)
_CLOSE = {
    "videoDuration": 1e-6,
    "totalWatchTime": 1e-5,
    "totalUniqueSecondsWatched": 1e-5,
    "maxPositionReached": 1e-6,
    "avgWatchTimePerSession": 1e-5,
    "avgSessionDuration": 1e-5,
    "avgPausesPerSession": 1e-9,
    # A sum in another order may be rounded to the other side.
    "watchPercentage": 0.0101,
    "completionPercentage": 0.0101,
    "uniqueWatchPercentage": 0.0101,
    "engagementScore": 0.0151,
}
_TIERS = (75, 40, 10)
_NEAR_A_TIER = f"least({', '.join(f'abs(a.engagementScore - {tier})' for tier in _TIERS)}) < 0.02"


class DifferentRowsError(AssertionError):
    """Two results differ; the message says in which column and how many rows."""


def require_same_rows(ours: str, theirs: str) -> int:
    """Compare all rows and columns of two results, given as Parquet globs.

    Sums of floating point numbers may differ by their order; nothing else may. Theirs have times
    in microseconds, unless they are of another build of ours.

    Returns:
        How many rows were compared.

    Raises:
        DifferentRowsError: names the columns.
    """
    conditions = {name: f"a.{name} IS DISTINCT FROM b.{name}" for name in _EXACT}
    conditions |= {
        name: f"abs(a.{name} - b.{name}) > {tolerance}" for name, tolerance in _CLOSE.items()
    }
    conditions["engagementTier"] = f"a.engagementTier <> b.engagementTier AND NOT {_NEAR_A_TIER}"
    named = duckdb.sql(f"SELECT * FROM read_parquet('{theirs}') LIMIT 0").columns  # noqa: S608
    for name in ("first", "last"):
        micros = f"{name}WatchMicros"
        moment = f"b.{micros}" if micros in named else f"epoch_us(b.{name}WatchDate)"
        conditions[f"{name}WatchDate"] = f"epoch_us(a.{name}WatchDate) <> {moment}"
    sums = ", ".join(f'count(*) FILTER ({test}) AS "{name}"' for name, test in conditions.items())
    matched = duckdb.sql(
        f"SELECT count(*) AS rows, count(*) FILTER (a.userId IS NULL OR b.userId IS NULL) AS alone,"  # noqa: S608 (the benchmark's own files)
        f" {sums} FROM read_parquet('{ours}') AS a FULL JOIN read_parquet('{theirs}') AS b "
        f"USING ({', '.join(_KEY)})"
    ).fetchdf()
    counts = {name: int(value) for name, value in matched.iloc[0].items()}
    rows = counts.pop("rows")
    different = {name: count for name, count in counts.items() if count}
    if different or not rows:
        raise DifferentRowsError(f"of {rows} rows differ: {different}")
    return rows


def files(result: str) -> str:
    """A result's Parquet files: one file, or all of a folder."""
    return f"{result}/*.parquet" if Path(result).is_dir() else result
