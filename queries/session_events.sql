-- Why is this number what it is? What one viewer did with one video, and what each event earned.
-- Parameters: user_id, video_id, and session_id (empty: all sessions).
-- watchedSeconds and skips add up to watchTime, forwardSkips and backwardSkips in `sessions`.
WITH rules AS (
  -- The defaults of the settings; where you changed a setting, change it here.
  SELECT
    1800 AS session_timeout,
    14400 AS max_segment,
    2 AS max_playback_rate,
    5 AS position_tolerance,
    5 AS forward_skip,
    2 AS backward_skip
),
events AS (
  SELECT
    *,
    unix_micros(raw_events.timestamp) AS micros,
    eventName IN ('video_play', 'video_resume') AS starts,
    eventName IN ('video_pause', 'video_ended') AS stops
  FROM raw_events
  WHERE userId = :user_id
    AND videoId = :video_id
    AND coalesce(:session_id, '') IN ('', sessionId)
),
-- What an instant tells of those after it; one that starts and stops leaves things as they were.
instants AS (
  SELECT
    sessionId,
    micros,
    CASE WHEN bool_or(starts) AND NOT bool_or(stops) THEN micros END AS started,
    CASE WHEN bool_or(stops) AND NOT bool_or(starts) THEN micros END AS stopped,
    CASE WHEN bool_or(eventName = 'video_heartbeat') THEN micros END AS beat
  FROM events
  GROUP BY sessionId, micros
),
latest AS (
  SELECT
    sessionId,
    micros,
    micros - (session_timeout + max_segment) * CAST(1000000 AS BIGINT) AS since,
    coalesce(max(started) OVER earlier, -1) AS started,
    coalesce(max(stopped) OVER earlier, -1) AS stopped,
    coalesce(max(beat) OVER earlier, -1) AS beat
  FROM instants CROSS JOIN rules
  WINDOW earlier AS (
    PARTITION BY sessionId ORDER BY micros ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  )
),
known AS (
  SELECT
    events.*,
    CASE
      WHEN greatest(started, stopped) >= greatest(since, 0) THEN started > stopped
      ELSE beat >= greatest(since, 0)
    END AS playsBefore
  FROM events
  JOIN latest ON latest.sessionId = events.sessionId AND latest.micros = events.micros
),
-- Of the events of an instant: what stops it first, if it was playing; else what starts it.
ranked AS (
  SELECT
    *,
    CASE eventName
      WHEN 'video_heartbeat' THEN 0
      WHEN 'video_pause' THEN 1
      WHEN 'video_ended' THEN 2
      WHEN 'video_seek' THEN 3
      WHEN 'video_play' THEN 4
      ELSE 5
    END + CASE
      WHEN NOT playsBefore AND (stops OR eventName = 'video_heartbeat') THEN 6
      ELSE 0
    END AS eventOrder
  FROM known
),
ordered AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY sessionId ORDER BY micros, eventOrder, currentTime, seekTime
    ) AS place
  FROM ranked
),
-- Where the video stood: a play after a seek may still report where the seek left.
placed AS (
  SELECT
    *,
    lag(eventName) OVER in_session AS previousEvent,
    (micros - lag(micros) OVER in_session) / 1000000 AS dt,
    lag(seekTime) OVER in_session AS soughtTime,
    abs(currentTime - lag(currentTime) OVER in_session) <= 1 AS isWhereItWas,
    max(CASE WHEN starts THEN 2 * place + 1 WHEN stops THEN 2 * place END) OVER (
      PARTITION BY sessionId, micros ORDER BY place
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS turnInInstant
  FROM ordered
  WINDOW in_session AS (PARTITION BY sessionId ORDER BY place)
),
standing AS (
  SELECT
    placed.*,
    rules.*,
    CASE WHEN turnInInstant IS NULL THEN playsBefore ELSE turnInInstant % 2 = 1 END AS wasPlaying,
    CASE
      WHEN previousEvent = 'video_seek' AND starts AND isWhereItWas AND dt <= session_timeout
        THEN soughtTime
      ELSE currentTime
    END AS position
  FROM placed CROSS JOIN rules
),
gaps AS (
  SELECT
    *,
    position - lag(coalesce(seekTime, position)) OVER (
      PARTITION BY sessionId ORDER BY place
    ) AS dp
  FROM standing
),
breaks AS (
  SELECT
    *,
    previousEvent IS NULL
      OR dt - least(greatest(dp, 0), max_segment) > session_timeout AS startsSession
  FROM gaps
),
judged AS (
  SELECT
    *,
    NOT startsSession
      AND wasPlaying
      AND dp > 0
      AND dp < max_segment
      AND dp <= dt * max_playback_rate + position_tolerance AS isWatched
  FROM breaks
),
moved AS (
  SELECT
    *,
    CASE
      WHEN eventName = 'video_seek' THEN seekTime - currentTime
      WHEN startsSession OR isWatched OR previousEvent = 'video_ended' THEN 0
      ELSE dp
    END AS move
  FROM judged
),
explained AS (
  SELECT
    *,
    CASE
      WHEN previousEvent IS NULL THEN 'first event'
      WHEN startsSession THEN 'new session: idle for too long'
      WHEN isWatched THEN 'watched'
      WHEN previousEvent = 'video_ended' THEN 'nothing: the video had ended'
      WHEN NOT wasPlaying THEN 'nothing: was paused'
      WHEN dp <= 0 THEN 'nothing: the position did not advance'
      ELSE 'nothing: no playing explains the distance'
    END AS gained,
    CASE
      WHEN move > forward_skip THEN 'forward skip'
      WHEN move < -backward_skip THEN 'backward skip'
    END AS skipped
  FROM moved
)
SELECT
  sessionId,
  explained.timestamp AS eventTime,
  eventName,
  currentTime,
  seekTime,
  round(dt, 3) AS secondsSincePrevious,
  round(dp, 3) AS positionChange,
  CASE WHEN isWatched THEN dp ELSE 0 END AS watchedSeconds,
  CASE
    WHEN skipped IS NULL THEN gained
    WHEN gained LIKE 'nothing%' THEN skipped
    ELSE concat(gained, ', then ', skipped)
  END AS earned
FROM explained
ORDER BY sessionId, place
