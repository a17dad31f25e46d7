-- Who completed a video of which they watched less than 75 percent?
SELECT
  userId,
  videoId,
  watchPercentage,
  completionCount,
  totalForwardSkips,
  dataQualityFlag
FROM aggregated_user_video_engagement
WHERE isCompletedAtLeastOnce AND watchPercentage < 75
ORDER BY watchPercentage, userId, videoId
