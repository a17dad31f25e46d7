-- Who watched more than 1.1 times the length of a video?
-- With several sessions that may be right: flagged are rows above 1.1 x duration x sessions.
SELECT
  userId,
  videoId,
  videoDuration,
  totalWatchTime,
  round(totalWatchTime - 1.1 * videoDuration, 3) AS excessSeconds,
  sessionCount,
  dataQualityFlag
FROM aggregated_user_video_engagement
WHERE totalWatchTime > 1.1 * videoDuration
ORDER BY totalWatchTime - 1.1 * videoDuration DESC, userId, videoId
