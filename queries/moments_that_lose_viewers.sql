-- At which moments does a video lose most viewers?
-- The three parts of each video in which most viewers stop for good, its last part aside.
WITH parts AS (
  SELECT
    videoId,
    bucketStart,
    bucketEnd,
    viewers,
    exits,
    max(bucketStart) OVER (PARTITION BY videoId) AS lastStart
  FROM video_position_curve
  WHERE coalesce(positionPercent, 0) < 100
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY videoId ORDER BY exits DESC, bucketStart) AS exitRank
  FROM parts
  WHERE bucketStart < lastStart AND exits > 0
)
SELECT videoId, exitRank, bucketStart, bucketEnd, viewers, exits
FROM ranked
WHERE exitRank <= 3
ORDER BY videoId, exitRank
