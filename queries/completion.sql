-- How many viewers of each video get to its end, and how many watch most of it?
-- Who jumps to the end reaches it without watching: the share that watched three quarters tells.
SELECT
  videoId,
  max(videoTitle) AS videoTitle,
  count(*) AS viewers,
  round(100 * avg(CASE WHEN isCompletedAtLeastOnce THEN 1 ELSE 0 END), 2) AS completedPercent,
  round(100 * avg(CASE WHEN uniqueWatchPercentage >= 75 THEN 1 ELSE 0 END), 2)
    AS watchedThreeQuartersPercent
FROM aggregated_user_video_engagement
GROUP BY videoId
ORDER BY completedPercent DESC, videoId
