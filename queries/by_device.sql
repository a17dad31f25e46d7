-- What do viewers on phones do otherwise than those on other devices?
-- Any other dimension of `VIDEO_ASSETS_EVENTS_DIMENSIONS` is compared likewise.
SELECT
  value AS device,
  CAST(sum(sessions) AS BIGINT) AS sessions,
  round(sum(watchSeconds) / nullif(sum(sessions), 0), 1) AS secondsPerSession,
  round(100 * sum(completions) / nullif(sum(sessions), 0), 1) AS completionsPer100Sessions,
  round(100 * sum(forwardSkips) / nullif(sum(sessions), 0), 1) AS forwardSkipsPer100Sessions
FROM dimension_daily
WHERE dimension = 'device'
GROUP BY value
ORDER BY sessions DESC, device
