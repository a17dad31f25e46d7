-- Who are the power users? Users with videos of tier High; only those videos are counted here.
SELECT
  userId,
  count(*) AS videosWatched,
  round(avg(watchPercentage), 2) AS avgWatchPercentage,
  round(sum(totalWatchTime) / 3600, 2) AS watchHours,
  max(lastWatchDate) AS lastSeen
FROM aggregated_user_video_engagement
WHERE engagementTier = 'High'
  AND userId NOT IN (SELECT userId FROM user_engagement WHERE exclusionReason IS NOT NULL)
GROUP BY userId
ORDER BY videosWatched DESC, sum(totalWatchTime) DESC, userId
