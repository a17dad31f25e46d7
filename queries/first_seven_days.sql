-- How do the first seven days of a video compare with those of the others?
-- Videos that have had seven days, all of them finished; beside them the median of all of these.
WITH newest AS (
  SELECT max(date) AS day FROM video_daily WHERE NOT coalesce(isUnfinished, false)
), firsts AS (
  SELECT
    videoId,
    CAST(sum(newViewers) AS BIGINT) AS viewers,
    sum(watchSeconds) / 3600 AS watchHours
  FROM video_daily CROSS JOIN newest
  WHERE daysSinceFirst < 7
  GROUP BY videoId
  HAVING max(daysSinceFirst
    + (unix_micros(CAST(day AS TIMESTAMP)) - unix_micros(CAST(date AS TIMESTAMP))) / 86400000000) >= 6
)
SELECT
  videoId,
  viewers,
  median(viewers) OVER () AS medianViewers,
  round(watchHours, 2) AS watchHours,
  round(median(watchHours) OVER (), 2) AS medianWatchHours
FROM firsts
ORDER BY viewers DESC, videoId
