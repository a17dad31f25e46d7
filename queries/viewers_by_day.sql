-- How many people watch each day, and how many of them are new?
WITH firsts AS (
  SELECT userId, min(sessionDate) AS firstDay FROM sessions GROUP BY userId
)
SELECT
  sessionDate AS day,
  count(DISTINCT sessions.userId) AS viewers,
  count(DISTINCT CASE WHEN sessionDate = firstDay THEN sessions.userId END) AS newViewers,
  round(sum(watchTime) / 3600, 2) AS watchHours
FROM sessions JOIN firsts ON sessions.userId = firsts.userId
GROUP BY sessionDate
ORDER BY sessionDate
