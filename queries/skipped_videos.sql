-- Which videos are skipped through, and which are gone back in?
SELECT
  videoId,
  max(videoTitle) AS videoTitle,
  count(*) AS viewers,
  round(avg(totalForwardSkips), 2) AS forwardSkipsPerViewer,
  round(avg(totalBackwardSkips), 2) AS backwardSkipsPerViewer
FROM aggregated_user_video_engagement
GROUP BY videoId
ORDER BY forwardSkipsPerViewer DESC, videoId
