-- At which hours of the day do people watch?
-- By the hour (UTC) at which a session begins; the time watched counts there as a whole.
SELECT
  hour(firstEventTime) AS hourOfDay,
  count(*) AS sessions,
  round(sum(watchTime) / 3600, 2) AS watchHours
FROM sessions
WHERE NOT isContinuation
GROUP BY hour(firstEventTime)
ORDER BY hourOfDay
