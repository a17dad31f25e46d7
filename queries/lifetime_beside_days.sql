-- How many views has each video had in its life, and do its days add up to them?
-- Days before the newest snapshot; a difference has days without a row, or other definitions.
WITH newest AS (
  SELECT video_id, max(date) AS day
  FROM lifetime_view_history
  WHERE source = 'lifetime' AND viewCount IS NOT NULL
  GROUP BY video_id
), counts AS (
  SELECT
    newest.video_id,
    max(CASE WHEN source = 'lifetime' AND date = day THEN viewCount END) AS lifetimeViews,
    CAST(sum(CASE WHEN source = 'daily' AND date < day THEN viewCount END) AS BIGINT) AS sumOfDays
  FROM lifetime_view_history AS history JOIN newest ON history.video_id = newest.video_id
  GROUP BY newest.video_id
)
SELECT video_id, lifetimeViews, sumOfDays, lifetimeViews - sumOfDays AS difference
FROM counts
ORDER BY lifetimeViews DESC, video_id
