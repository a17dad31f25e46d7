-- Which ten videos are watched most?
-- Everybody counts, also viewers whose row has a data quality flag, as in video_performance.
SELECT
  videoId,
  max(videoTitle) AS videoTitle,
  round(sum(totalWatchTime) / 3600, 2) AS watchHours,
  count(DISTINCT userId) AS uniqueViewers,
  round(avg(watchPercentage), 2) AS avgWatchPercentage,
  CAST(sum(completionCount) AS BIGINT) AS completions
FROM aggregated_user_video_engagement
GROUP BY videoId
ORDER BY sum(totalWatchTime) DESC, videoId
LIMIT 10
