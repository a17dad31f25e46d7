-- Which delivered files have rows that are in no table yet?
SELECT source, path, firstSeenAt, readAt, rowCount, waitingRows, vanishedAt
FROM source_files
WHERE waitingRows > 0 OR rowCount IS NULL
ORDER BY firstSeenAt, path
