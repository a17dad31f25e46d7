-- Which videos win views now?
-- Views of the newest seven days of the data beside those of the seven days before.
WITH newest AS (
  SELECT max(date) AS day FROM daily_video_views
), sums AS (
  SELECT
    video_id,
    CAST(sum(CASE WHEN age < 7 THEN viewCount ELSE 0 END) AS BIGINT) AS views,
    CAST(sum(CASE WHEN age >= 7 THEN viewCount ELSE 0 END) AS BIGINT) AS viewsBefore
  FROM (
    SELECT
      video_id,
      coalesce(viewCount, 0) AS viewCount,
      (unix_micros(CAST(day AS TIMESTAMP)) - unix_micros(CAST(date AS TIMESTAMP))) / 86400000000
        AS age
    FROM daily_video_views CROSS JOIN newest
  ) AS aged
  WHERE age < 14
  GROUP BY video_id
)
SELECT video_id, views, viewsBefore, views - viewsBefore AS more
FROM sums
ORDER BY more DESC, video_id
LIMIT 10
