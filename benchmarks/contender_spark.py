"""Apache Spark on this machine, with straightforward window functions in SQL."""

import os
from functools import cache
from pathlib import Path

import sql_rules as rules
from pyspark.sql import SparkSession

_DIALECT = rules.SPARK


def engagement_only(events: Path, metadata: Path, output: Path) -> Path:
    """Engagement rows; Spark keeps the judged events in memory, as far as they fit."""
    session = _session(events, metadata)
    valid = rules.valid_events("source", _DIALECT)
    session.sql(rules.judged_events(f"({valid})", _DIALECT)).createOrReplaceTempView("judged")
    session.catalog.cacheTable("judged")
    measures = f"({rules.session_measures('judged', _DIALECT)})"
    merged = f"({rules.islands(rules.segments('judged'), 'userId, videoId', _DIALECT)})"
    query = rules.engagement_rows(measures, merged, "metadata", _DIALECT)
    session.sql(query).write.mode("overwrite").parquet(str(output / "engagement"))
    session.catalog.uncacheTable("judged")
    return output / "engagement"


def whole_pipeline(events: Path, metadata: Path, output: Path) -> Path:
    """Valid events by day, session rows by day, and engagement, each kept as Parquet."""
    session = _session(events, metadata)
    raw, sessions = str(output / "raw_events"), str(output / "sessions")
    valid = session.sql(rules.valid_events("source", _DIALECT))
    valid.repartition("eventDate").write.partitionBy("eventDate").mode("overwrite").parquet(raw)
    session.read.parquet(raw).createOrReplaceTempView("stored")
    session.sql(rules.judged_events("stored", _DIALECT)).createOrReplaceTempView("judged")
    session.catalog.cacheTable("judged")
    key = "userId, videoId, sessionId, run"
    rows = session.sql(
        rules.session_rows(
            f"({rules.session_measures('judged', _DIALECT)})",
            f"({rules.islands(rules.segments('judged'), key, _DIALECT)})",
            _DIALECT,
        )
    )
    by_day = rows.repartition("sessionDate").write.partitionBy("sessionDate")
    by_day.mode("overwrite").parquet(sessions)
    session.catalog.uncacheTable("judged")
    session.read.parquet(sessions).createOrReplaceTempView("sessions")
    pieces = rules.pieces_of_sessions(_DIALECT)
    merged = f"({rules.islands(pieces, 'userId, videoId', _DIALECT)})"
    query = rules.engagement_rows("sessions", merged, "metadata", _DIALECT)
    session.sql(query).write.mode("overwrite").parquet(str(output / "engagement"))
    return output / "engagement"


def _session(events: Path, metadata: Path) -> SparkSession:
    session = _started()
    session.read.parquet(str(events)).createOrReplaceTempView("source")
    session.read.parquet(str(metadata)).createOrReplaceTempView("metadata")
    return session


@cache
def _started() -> SparkSession:
    cores = len(os.sched_getaffinity(0))
    return (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.driver.memory", "12g")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", 4 * cores)
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
