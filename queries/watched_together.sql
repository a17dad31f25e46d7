-- What else do the viewers of a video watch?
-- Pairs of videos with the viewers of both; the share is of those of the first one.
WITH viewers AS (
  SELECT videoId, count(*) AS viewers FROM aggregated_user_video_engagement GROUP BY videoId
), pairs AS (
  SELECT one.videoId, other.videoId AS otherVideoId, count(*) AS viewersOfBoth
  FROM aggregated_user_video_engagement AS one
  JOIN aggregated_user_video_engagement AS other ON one.userId = other.userId
  WHERE one.videoId <> other.videoId
  GROUP BY one.videoId, other.videoId
)
SELECT
  pairs.videoId,
  otherVideoId,
  viewersOfBoth,
  round(100 * viewersOfBoth / viewers.viewers, 2) AS sharePercent
FROM pairs JOIN viewers ON pairs.videoId = viewers.videoId
ORDER BY viewersOfBoth DESC, pairs.videoId, otherVideoId
LIMIT 20
