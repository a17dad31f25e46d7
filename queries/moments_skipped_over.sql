-- Which moments of each video are skipped over?
-- Parts that fewer viewers watched than a later one: by so many, at least, they were passed over.
WITH parts AS (
  SELECT
    videoId,
    bucketStart,
    bucketEnd,
    max(viewers) OVER (
      PARTITION BY videoId ORDER BY bucketStart
      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) - viewers AS skipped
  FROM video_position_curve
  WHERE coalesce(positionPercent, 0) < 100
), marked AS (
  SELECT
    *,
    sum(CASE WHEN skipped = 0 THEN 1 ELSE 0 END)
      OVER (PARTITION BY videoId ORDER BY bucketStart) AS run
  FROM parts
), ranked AS (
  SELECT
    videoId,
    min(bucketStart) AS bucketStart,
    max(bucketEnd) AS bucketEnd,
    max(skipped) AS viewersAtLeast,
    row_number() OVER (PARTITION BY videoId ORDER BY max(skipped) DESC, min(bucketStart))
      AS skipRank
  FROM marked
  WHERE skipped > 0
  GROUP BY videoId, run
)
SELECT videoId, skipRank, bucketStart, bucketEnd, viewersAtLeast
FROM ranked
WHERE skipRank <= 3
ORDER BY videoId, skipRank
