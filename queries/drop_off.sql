-- Where do viewers leave a video that they never complete?
-- By 30 seconds of the furthest position that they reached, however they got there.
WITH leavers AS (
  SELECT videoId, videoTitle, maxPositionReached - maxPositionReached % 30 AS bucketStart
  FROM aggregated_user_video_engagement
  WHERE NOT isCompletedAtLeastOnce
)
SELECT
  videoId,
  max(videoTitle) AS videoTitle,
  bucketStart,
  bucketStart + 30 AS bucketEnd,
  count(*) AS viewers,
  round(100 * count(*) / sum(count(*)) OVER (PARTITION BY videoId), 2) AS shareOfLeaversPercent
FROM leavers
GROUP BY videoId, bucketStart
ORDER BY videoId, bucketStart
