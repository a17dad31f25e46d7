-- Who will probably not finish which video?
-- Viewers who left a video, those least likely to complete it in the week after `forecastDate`
-- first. The table is empty where no forecast is better than simple rates.
SELECT
  userId,
  videoId,
  round(completionProbability, 4) AS completionProbability,
  forecastDate
FROM completion_forecast
ORDER BY completionProbability, userId, videoId
LIMIT 100
