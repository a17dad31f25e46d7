-- How old are the numbers? Hours since engagement was last computed; a check warns at 24.
SELECT
  max(processedAt) AS lastProcessedAt,
  round((unix_micros(now()) - unix_micros(max(processedAt))) / 3600000000, 2)
    AS hoursSinceProcessing
FROM aggregated_user_video_engagement
