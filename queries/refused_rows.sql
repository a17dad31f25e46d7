-- Which rows of the player events were refused, and why?
SELECT eventDate AS day, reason, source, count(*) AS refusedRows, min(rowText) AS example
FROM rejected_events
GROUP BY eventDate, reason, source
ORDER BY refusedRows DESC, day, reason, source
