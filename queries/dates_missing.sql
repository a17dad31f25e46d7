-- Of which videos are days missing, and how many?
SELECT
  video_id,
  count(*) AS missingDays,
  min(missing_date) AS firstMissing,
  max(missing_date) AS lastMissing,
  max(goneSince) AS goneSince
FROM missing_date
GROUP BY video_id
ORDER BY missingDays DESC, video_id
