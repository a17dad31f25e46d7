-- How many views does a channel get a month, and is that more than before?
-- A month within which it changed what counts as a view is not comparable with others.
WITH months AS (
  SELECT
    channel_id,
    month,
    CAST(sum(aggViewCount) AS BIGINT) AS views,
    max(CASE WHEN spansDefinitionChange THEN 1 ELSE 0 END) = 1 AS spansDefinitionChange
  FROM monthly_views
  GROUP BY channel_id, month
)
SELECT
  channel_id,
  month,
  views,
  views - lag(views) OVER (PARTITION BY channel_id ORDER BY month) AS moreThanMonthBefore,
  spansDefinitionChange
FROM months
ORDER BY channel_id, month
