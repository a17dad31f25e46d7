-- How long is a session, and how often is it interrupted?
SELECT
  sessionDate AS day,
  count(*) AS sessions,
  round(avg(watchTime) / 60, 2) AS avgWatchMinutes,
  round(avg(elapsedSeconds) / 60, 2) AS avgMinutesWithPauses,
  round(avg(pauseCount), 2) AS avgPauses
FROM sessions
GROUP BY sessionDate
ORDER BY sessionDate
