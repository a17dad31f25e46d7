-- Why is this number what it is? What one viewer did with one video, and what each event earned.
-- Parameters: user_id, video_id, and session_id (empty: all sessions).
-- watchedSeconds and skips add up to watchTime, forwardSkips and backwardSkips in `sessions`.
WITH rules AS (
  -- The defaults of the settings; where you changed a setting, change it here.
  SELECT
    1800 AS session_timeout,
    7200 AS max_segment,
    2 AS max_playback_rate,
    5 AS position_tolerance,
    5 AS forward_skip,
    2 AS backward_skip
),
ordered AS (
  SELECT
    *,
    unix_micros(raw_events.timestamp) AS micros,
    CASE eventName
      WHEN 'video_play' THEN 0
      WHEN 'video_pause' THEN 1
      WHEN 'video_resume' THEN 2
      ELSE 3
    END AS eventOrder
  FROM raw_events
  WHERE userId = :user_id
    AND videoId = :video_id
    AND coalesce(:session_id, '') IN ('', sessionId)
),
gaps AS (
  SELECT
    *,
    lag(eventName) OVER in_session AS previousEvent,
    (micros - lag(micros) OVER in_session) / 1000000 AS dt,
    currentTime - lag(currentTime) OVER in_session AS dp
  FROM ordered
  WINDOW in_session AS (PARTITION BY sessionId ORDER BY micros, eventOrder, currentTime)
),
breaks AS (
  SELECT
    gaps.*,
    rules.*,
    previousEvent IS NULL
      OR dt - least(greatest(dp, 0), max_segment) > session_timeout AS startsSession
  FROM gaps CROSS JOIN rules
),
judged AS (
  SELECT
    *,
    NOT startsSession
      AND previousEvent IN ('video_play', 'video_resume')
      AND dp > 0
      AND dp < max_segment
      AND dp <= dt * max_playback_rate + position_tolerance AS isWatched
  FROM breaks
),
explained AS (
  SELECT
    *,
    CASE
      WHEN previousEvent IS NULL THEN 'first event'
      WHEN startsSession THEN 'new session: idle for too long'
      WHEN isWatched THEN 'watched'
      WHEN previousEvent = 'video_ended' THEN 'nothing: the video had ended'
      WHEN dp > forward_skip THEN 'forward skip'
      WHEN dp < -backward_skip THEN 'backward skip'
      WHEN previousEvent = 'video_pause' THEN 'nothing: was paused'
      WHEN dp <= 0 THEN 'nothing: the position did not advance'
      ELSE 'nothing: no playing explains the distance'
    END AS earned
  FROM judged
)
SELECT
  sessionId,
  explained.timestamp AS eventTime,
  eventName,
  currentTime,
  round(dt, 3) AS secondsSincePrevious,
  round(dp, 3) AS positionChange,
  CASE WHEN isWatched THEN dp ELSE 0 END AS watchedSeconds,
  earned
FROM explained
ORDER BY sessionId, micros, eventOrder, currentTime
