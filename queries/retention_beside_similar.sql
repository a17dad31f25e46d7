-- Does a video hold its viewers better than others of its length?
-- 0.5 is as the median of videos of similar length, above it is better; see video_position_curve.
SELECT
  videoId,
  round(avg(relativeRetention), 3) AS relativeRetention,
  round(avg(audienceRetention), 2) AS audienceRetention
FROM video_position_curve
WHERE relativeRetention IS NOT NULL
GROUP BY videoId
ORDER BY relativeRetention DESC, videoId
