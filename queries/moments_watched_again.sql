-- Which moments of each video are watched again?
SELECT videoId, hotspotRank, bucketStart, bucketEnd, viewers, rewatches
FROM video_position_curve
WHERE hotspotRank <= 3
ORDER BY videoId, hotspotRank
