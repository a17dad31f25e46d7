"""DuckDB: the same rules in SQL windows."""

from pathlib import Path

import duckdb
import sql_rules as rules

_BY_DAY = "FORMAT parquet, COMPRESSION zstd, OVERWRITE_OR_IGNORE"
_FILE = "FORMAT parquet, COMPRESSION zstd"
_COLUMNS = {
    "timestamp": "TIMESTAMPTZ",
    "userId": "VARCHAR",
    "sessionId": "VARCHAR",
    "videoId": "VARCHAR",
    "eventName": "VARCHAR",
    "currentTime": "DOUBLE",
    "seekTime": "DOUBLE",
}


def engagement_only(events: Path, metadata: Path, output: Path) -> Path:
    """Engagement rows; DuckDB keeps nothing but temporary tables on the way."""
    connection = _connection(events, metadata)
    dialect = rules.DUCKDB
    valid = rules.valid_events("source", dialect)
    connection.execute(f"CREATE TEMP TABLE judged AS {rules.judged_events(f'({valid})', dialect)}")
    measures = f"({rules.session_measures('judged', dialect)})"
    merged = f"({rules.islands(rules.segments('judged'), 'userId, videoId', dialect)})"
    query = rules.engagement_rows(measures, merged, "metadata", dialect)
    result = output / "engagement.parquet"
    connection.execute(f"COPY ({query}) TO '{result}' ({_FILE})")
    return result


def whole_pipeline(events: Path, metadata: Path, output: Path) -> Path:
    """Valid events by day, session rows by day, and engagement, each kept as Parquet."""
    connection = _connection(events, metadata)
    dialect = rules.DUCKDB
    raw, sessions = output / "raw_events", output / "sessions"
    valid = rules.valid_events("source", dialect)
    connection.execute(f"COPY ({valid}) TO '{raw}' ({_BY_DAY}, PARTITION_BY (eventDate))")
    stored = f"read_parquet('{raw}/*/*.parquet', hive_partitioning = true)"
    connection.execute(f"CREATE TEMP TABLE judged AS {rules.judged_events(stored, dialect)}")
    key = "userId, videoId, sessionId, run"
    rows = rules.session_rows(
        f"({rules.session_measures('judged', dialect)})",
        f"({rules.islands(rules.segments('judged'), key, dialect)})",
        dialect,
    )
    connection.execute(f"COPY ({rows}) TO '{sessions}' ({_BY_DAY}, PARTITION_BY (sessionDate))")
    connection.execute("DROP TABLE judged")
    connection.execute(
        f"CREATE VIEW sessions AS FROM read_parquet('{sessions}/*/*.parquet', "
        "hive_partitioning = true)"
    )
    pieces = rules.pieces_of_sessions(dialect)
    merged = f"({rules.islands(pieces, 'userId, videoId', dialect)})"
    query = rules.engagement_rows("sessions", merged, "metadata", dialect)
    result = output / "engagement.parquet"
    connection.execute(f"COPY ({query}) TO '{result}' ({_FILE})")
    return result


def _connection(events: Path, metadata: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE VIEW source AS FROM {_source(events)}")
    connection.execute(f"CREATE VIEW metadata AS FROM read_parquet('{metadata}')")
    return connection


def _source(events: Path) -> str:
    """Parquet, JSON lines or CSV, plain or gzipped, as the first file is."""
    first = min(events.iterdir())
    files = f"'{events}/*'"
    if ".parquet" in first.suffixes:
        return f"read_parquet({files})"
    if ".csv" in first.suffixes:
        return f"read_csv({files}, header = true, columns = {_COLUMNS})"
    return f"read_json({files}, format = 'newline_delimited', columns = {_COLUMNS})"
