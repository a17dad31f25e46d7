"""The rules of the contract in SQL windows: what contenders run, and the oracle of large results.

One text serves DuckDB and Apache Spark; `Dialect` holds the few words in which they differ.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """The words in which two SQL engines differ.

    Attributes:
        micros: expression for the microseconds since 1970 of `timestamp`.
        finite: expression for a `currentTime` that is a finite number.
        interval: expression for a struct of `start` and `stop`.
        intervals: aggregate of `piece`, sorted by its start, as an array.
        unnest_from: FROM clause that gives each element of watchedIntervals of `sessions` as `w`.
        stop: field of `w` that holds the end of an interval.
        rounded: format for rounding an expression to 2 decimals, halves to even.
        last_event: aggregate of `{0}` at the row's last event.
    """

    micros: str
    finite: str
    interval: str
    intervals: str
    unnest_from: str
    stop: str
    rounded: str
    last_event: str


DUCKDB = Dialect(
    micros="epoch_us(timestamp)",
    finite="isfinite(currentTime)",
    interval="{'start': min(start), 'end': max(stop)}",
    intervals="list(piece ORDER BY piece.start)",
    unnest_from="(SELECT userId, videoId, unnest(watchedIntervals) AS w FROM sessions)",
    stop="w['end']",
    rounded="round_even({0}, 2)",
    last_event="arg_max({0}, place)",
)
SPARK = Dialect(
    micros="unix_micros(timestamp)",
    finite="currentTime < double('Infinity')",
    interval="named_struct('start', min(start), 'end', max(stop))",
    intervals="array_sort(collect_list(piece))",
    unnest_from="(SELECT userId, videoId, explode(watchedIntervals) AS w FROM sessions)",
    stop="w.`end`",
    rounded="bround({0}, 2)",
    last_event="max_by({0}, place)",
)

EVENT_COLUMNS = "timestamp, userId, sessionId, videoId, eventName, currentTime, seekTime"
_KEY = "userId, videoId, sessionId"
_LOOKBACK_MICROS = 16_200_000_000


def valid_events(source: str, dialect: Dialect) -> str:
    """Rule 1: distinct valid events of a table of source rows."""
    return f"""
    SELECT DISTINCT {EVENT_COLUMNS}, CAST(timestamp AS DATE) AS eventDate
    FROM {source}
    WHERE timestamp IS NOT NULL AND trim(userId) <> '' AND trim(sessionId) <> ''
      AND trim(videoId) <> ''
      AND eventName IN ('video_play', 'video_pause', 'video_resume', 'video_ended',
        'video_seek', 'video_heartbeat')
      AND {dialect.finite} AND currentTime >= 0
      AND (eventName <> 'video_seek' OR seekTime >= 0)
    """  # noqa: S608 (names are constants of the benchmark)


def judged_events(events: str, dialect: Dialect) -> str:
    """Rules 2 to 6: every event with what happened since the one before it; rows numbered."""
    return f"""
    WITH coded AS (
      SELECT {_KEY}, currentTime AS reported, seekTime AS sought, CAST(timestamp AS DATE) AS day,
        {dialect.micros} AS micros,
        CASE eventName WHEN 'video_heartbeat' THEN 0 WHEN 'video_pause' THEN 1
          WHEN 'video_ended' THEN 2 WHEN 'video_seek' THEN 3 WHEN 'video_play' THEN 4
          ELSE 5 END AS event
      FROM {events}
    ), turning AS (
      SELECT *, max(CASE WHEN event >= 4 THEN 1 ELSE 0 END) OVER i AS starts,
        max(CASE WHEN event IN (1, 2) THEN 1 ELSE 0 END) OVER i AS stops
      FROM coded WINDOW i AS (PARTITION BY {_KEY}, micros)
    ), latest AS (
      SELECT *, coalesce(max(CASE WHEN starts > stops THEN micros END) OVER e, -1) AS started,
        coalesce(max(CASE WHEN stops > starts THEN micros END) OVER e, -1) AS stopped,
        coalesce(max(CASE WHEN event = 0 THEN micros END) OVER e, -1) AS beat
      FROM turning WINDOW e AS (PARTITION BY {_KEY} ORDER BY micros
        RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), known AS (
      SELECT *, CASE WHEN greatest(started, stopped) >= micros - {_LOOKBACK_MICROS}
        THEN started > stopped ELSE beat >= micros - {_LOOKBACK_MICROS} END AS plays
      FROM latest
    ), ordered AS (
      SELECT *, row_number() OVER (PARTITION BY {_KEY} ORDER BY micros,
        event + CASE WHEN event < 3 AND NOT plays THEN 6 ELSE 0 END, reported, sought) AS place
      FROM known
    ), before AS (
      SELECT *, lag(micros) OVER w AS micros_before, lag(reported) OVER w AS reported_before,
        lag(sought) OVER w AS sought_before, lag(event) OVER w AS event_before,
        lag(day) OVER w AS day_before,
        max(CASE WHEN event >= 4 THEN 2 * place + 1 WHEN event IN (1, 2) THEN 2 * place END)
          OVER (PARTITION BY {_KEY}, micros ORDER BY place
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS turn
      FROM ordered WINDOW w AS (PARTITION BY {_KEY} ORDER BY place)
    ), placed AS (
      SELECT *, (micros - micros_before) / 1000000.0E0 AS dt,
        CASE WHEN turn IS NULL THEN plays ELSE turn % 2 = 1 END AS was_playing,
        CASE WHEN event_before = 3 AND event >= 4 AND micros - micros_before <= 1800000000
          AND abs(reported - reported_before) <= 1 THEN sought_before ELSE reported END AS position
      FROM before
    ), moved AS (
      SELECT *, CASE WHEN event = 3 THEN sought ELSE position END AS target FROM placed
    ), changes AS (
      SELECT *, lag(target) OVER w AS position_before, position - lag(target) OVER w AS dp,
        max(CASE WHEN event = 2 THEN place END) OVER e AS ended_before,
        max(CASE WHEN event = 2 THEN micros END) OVER e AS micros_of_end,
        coalesce(max(CASE WHEN event IN (0, 4, 5) THEN place END) OVER e, 0) AS played_before
      FROM moved WINDOW w AS (PARTITION BY {_KEY} ORDER BY place),
        e AS (PARTITION BY {_KEY} ORDER BY place
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), linked AS (
      SELECT *, micros_before IS NOT NULL
          AND NOT (dt - least(greatest(dp, 0), 14400) > 1800) AS connected,
        event = 2 AND NOT coalesce(ended_before > played_before
          AND micros - micros_of_end <= {_LOOKBACK_MICROS}, FALSE) AS ending
      FROM changes
    ), watching AS (
      SELECT *, connected AND was_playing AND dp > 0 AND dp < 14400 AND dp <= dt * 2 + 5 AS watched
      FROM linked
    ), skipping AS (
      SELECT *, CASE WHEN event = 3 THEN target - position
        WHEN connected AND NOT watched AND event_before <> 2 THEN dp ELSE 0 END AS move
      FROM watching
    )
    SELECT {_KEY}, day, micros, micros_before, position, position_before, target,
      event, place, connected, watched, ending,
      CASE WHEN watched THEN dp ELSE 0 END AS seconds,
      move > 5 AS forward,
      move < -2 AS backward,
      sum(CASE WHEN connected AND day = day_before THEN 0 ELSE 1 END) OVER (
        PARTITION BY {_KEY} ORDER BY place
        ROWS UNBOUNDED PRECEDING) AS run
    FROM skipping
    """  # noqa: S608


def session_measures(judged: str, dialect: Dialect) -> str:
    """Rule 9 without the intervals: one row a run of events."""
    last_event = dialect.last_event.format("event")
    last_position = dialect.last_event.format("position")
    return f"""
    SELECT userId, videoId, sessionId, run, min(day) AS sessionDate,
      min(CASE WHEN connected THEN micros_before ELSE micros END) < min(micros) AS isContinuation,
      min(micros) AS firstMicros, max(micros) AS lastMicros,
      (max(micros) - min(CASE WHEN connected THEN micros_before ELSE micros END)) / 1000000.0E0
        AS elapsedSeconds,
      sum(seconds) AS watchTime, max(greatest(position, target)) AS maxPosition,
      max(CASE WHEN watched OR ending THEN position END) AS furthestSeen,
      sum(CASE WHEN event = 1 THEN 1 ELSE 0 END) AS pauseCount,
      sum(CASE WHEN ending THEN 1 ELSE 0 END) AS endedCount,
      sum(CASE WHEN forward THEN 1 ELSE 0 END) AS forwardSkips,
      sum(CASE WHEN backward THEN 1 ELSE 0 END) AS backwardSkips,
      count(*) AS eventCount,
      CASE WHEN {last_event} = 4 THEN {last_position} END AS unterminatedPosition
    FROM {judged} GROUP BY userId, videoId, sessionId, run
    """  # noqa: S608


def islands(pieces: str, owner: str, dialect: Dialect) -> str:
    """Rule 8: the union of each owner's pieces (start, stop), a row an island."""
    return f"""
    SELECT {owner}, {dialect.interval} AS piece FROM (
      SELECT *, sum(begins) OVER (PARTITION BY {owner} ORDER BY start, stop
          ROWS UNBOUNDED PRECEDING) AS island FROM (
        SELECT *, CASE WHEN start > max(stop) OVER (PARTITION BY {owner} ORDER BY start, stop
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 1 ELSE 0 END AS begins
        FROM {pieces}) AS marked) AS numbered
    GROUP BY {owner}, island
    """  # noqa: S608


def segments(judged: str) -> str:
    """Rule 5: the watched segments."""
    return f"""(SELECT userId, videoId, sessionId, run, position_before AS start,
      position AS stop FROM {judged} WHERE watched) AS segments"""  # noqa: S608


def session_rows(measures: str, merged: str, dialect: Dialect) -> str:
    """Rule 9: session rows with their merged intervals."""
    key = "userId, videoId, sessionId, run"
    stop = dialect.stop.replace("w", "piece", 1)
    return f"""
    SELECT m.*, coalesce(i.unique_seconds, 0) AS uniqueSecondsWatched, i.watchedIntervals,
      row_number() OVER (PARTITION BY m.userId, m.videoId, m.sessionId, m.sessionDate
        ORDER BY m.run) AS sessionNumber
    FROM {measures} AS m LEFT JOIN (
      SELECT {key}, {dialect.intervals} AS watchedIntervals,
        sum({stop} - piece.start) AS unique_seconds
      FROM {merged} GROUP BY {key}) AS i USING ({key})
    """  # noqa: S608


def engagement_rows(sessions: str, unique_pieces: str, metadata: str, dialect: Dialect) -> str:
    """Rules 8 and 10 to 13: one row per user and video."""
    stop = dialect.stop.replace("w", "piece", 1)

    def rounded(expression: str) -> str:
        return dialect.rounded.format(expression)

    def percentage(part: str) -> str:
        return rounded(f"CASE WHEN duration > 0 THEN 100.0E0 * {part} / duration ELSE 0E0 END")

    return f"""
    WITH sums AS (
      SELECT userId, videoId, sum(watchTime) AS watched, max(maxPosition) AS furthest,
        max(furthestSeen) AS seen,
        greatest(sum(CASE WHEN isContinuation THEN 0 ELSE 1 END), 1) AS sessions,
        sum(elapsedSeconds) AS elapsed, sum(pauseCount) AS pauses,
        sum(forwardSkips) AS forward, sum(backwardSkips) AS backward,
        sum(endedCount) AS completions, min(firstMicros) AS firstMicros,
        max(lastMicros) AS lastMicros
      FROM {sessions} GROUP BY userId, videoId
    ), largest AS (
      SELECT videoId, coalesce(max(seen), max(furthest)) AS largest FROM sums GROUP BY videoId
    ),
    uniques AS (
      SELECT userId, videoId, sum({stop} - piece.start) AS unique_seconds, max({stop}) AS last_end
      FROM {unique_pieces} GROUP BY userId, videoId
    ), usable AS (
      SELECT videoId, title, CASE WHEN duration > 0 AND duration < 1E300 THEN duration END AS known
      FROM {metadata}
    ), described AS (
      SELECT s.*, coalesce(u.unique_seconds, 0E0) AS uniques, u.last_end, title AS videoTitle,
        coalesce(known, largest) AS duration, known IS NULL AS isDurationEstimated
      FROM sums AS s LEFT JOIN uniques AS u USING (userId, videoId)
        JOIN largest USING (videoId) LEFT JOIN usable USING (videoId)
    ), percentages AS (
      SELECT *, {percentage("watched")} AS watchPercentage,
        {percentage("furthest")} AS completionPercentage,
        {percentage("uniques")} AS uniqueWatchPercentage FROM described
    ), scored AS (
      SELECT *, {
        rounded(
            "watched / 60.0E0 + 50 * completions + 5 * sessions - 2 * (forward + backward)"
            " + 0.3E0 * uniqueWatchPercentage"
        )
    } AS engagementScore FROM percentages
    )
    SELECT userId, videoId, videoTitle, duration AS videoDuration, isDurationEstimated,
      watched AS totalWatchTime, uniques AS totalUniqueSecondsWatched,
      furthest AS maxPositionReached, watchPercentage, completionPercentage,
      uniqueWatchPercentage, CAST(sessions AS BIGINT) AS sessionCount,
      watched / sessions AS avgWatchTimePerSession, elapsed / sessions AS avgSessionDuration,
      CAST(pauses AS DOUBLE) / sessions AS avgPausesPerSession,
      CAST(forward AS BIGINT) AS totalForwardSkips, CAST(backward AS BIGINT) AS totalBackwardSkips,
      CAST(completions AS BIGINT) AS completionCount, completions > 0 AS isCompletedAtLeastOnce,
      completions > 0 OR coalesce(last_end >= 0.95E0 * duration, FALSE) AS hasReachedEnd,
      engagementScore,
      CASE WHEN engagementScore >= 75 THEN 'High' WHEN engagementScore >= 40 THEN 'Medium'
        WHEN engagementScore >= 10 THEN 'Low' ELSE 'Minimal' END AS engagementTier,
      firstMicros AS firstWatchMicros, lastMicros AS lastWatchMicros, sessions > 1 AS isReplay,
      CASE WHEN furthest > 1.1E0 * duration THEN 'position_exceeds_duration'
        WHEN watched > 1.1E0 * duration * sessions THEN 'excessive_watch_time'
        WHEN completions > 0 AND watchPercentage < 75 THEN 'completed_without_sufficient_watch'
        WHEN watched = 0 THEN 'no_valid_segments' WHEN watched < 10 THEN 'very_short_watch'
        ELSE 'ok' END AS dataQualityFlag
    FROM scored
    """  # noqa: S608


def pieces_of_sessions(dialect: Dialect) -> str:
    """The intervals of all rows of `sessions`, one row each."""
    return f"""(SELECT userId, videoId, w.start AS start, {dialect.stop} AS stop
      FROM {dialect.unnest_from} AS opened) AS pieces"""  # noqa: S608
