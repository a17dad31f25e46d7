-- How engaged are viewers? Rows of user and video by tier, with their share in percent.
SELECT
  tiers.engagementTier,
  count(engagement.userId) AS viewersOfVideos,
  round(100 * count(engagement.userId) / nullif(sum(count(engagement.userId)) OVER (), 0), 2)
    AS sharePercent
FROM (VALUES (1, 'High'), (2, 'Medium'), (3, 'Low'), (4, 'Minimal')) AS tiers(place, engagementTier)
LEFT JOIN aggregated_user_video_engagement AS engagement
  ON engagement.engagementTier = tiers.engagementTier
GROUP BY tiers.place, tiers.engagementTier
ORDER BY tiers.place
