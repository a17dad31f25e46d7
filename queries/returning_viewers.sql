-- Do viewers come back in the weeks after their first?
SELECT cohortWeek, weeksSince, cohortViewers, returningViewers, round(returnRate, 2) AS returnRate
FROM viewer_cohorts
ORDER BY cohortWeek, weeksSince
