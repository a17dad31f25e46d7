-- Which videos lose their viewers in the first 30 seconds?
-- Who watched less than 30 seconds of video in all sessions together.
SELECT
  videoId,
  max(videoTitle) AS videoTitle,
  count(*) AS viewers,
  count(CASE WHEN totalWatchTime < 30 THEN 1 END) AS leftEarly,
  round(100 * avg(CASE WHEN totalWatchTime < 30 THEN 1 ELSE 0 END), 2) AS leftEarlyPercent
FROM aggregated_user_video_engagement
GROUP BY videoId
ORDER BY leftEarlyPercent DESC, videoId
