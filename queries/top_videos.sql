-- Which ten videos are watched most?
-- As in video_performance: viewers whose row has a data quality flag count, programs do not.
SELECT
  videoId,
  max(videoTitle) AS videoTitle,
  round(sum(totalWatchTime) / 3600, 2) AS watchHours,
  count(DISTINCT userId) AS uniqueViewers,
  round(avg(watchPercentage), 2) AS avgWatchPercentage,
  CAST(sum(completionCount) AS BIGINT) AS completions
FROM aggregated_user_video_engagement
WHERE userId NOT IN (SELECT userId FROM user_engagement WHERE exclusionReason IS NOT NULL)
GROUP BY videoId
ORDER BY sum(totalWatchTime) DESC, videoId
LIMIT 10
