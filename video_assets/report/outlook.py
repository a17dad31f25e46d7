"""Who will probably not finish, by video."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from video_assets.report.facts import Outlook, Unfinished

_VIDEOS = 10


def outlook(forecast: DataFrame, performance: DataFrame) -> Outlook | None:
    """What the forecast says of all that is unfinished; None where it has no rows.

    Args:
        forecast: rows of `completion_forecast`.
        performance: rows of `video_performance`, which know the titles.
    """
    expected = F.coalesce(F.sum("completionProbability"), F.lit(0.0)).alias("expected")
    cases = F.count(F.lit(1)).alias("cases")
    day = F.max("forecastDate").alias("day")
    [whole] = forecast.agg(cases, expected, day).collect()
    if not whole["cases"]:
        return None
    titles = performance.select("videoId", "videoTitle")
    rows = (
        forecast.groupBy("videoId")
        .agg(cases, expected)
        .join(titles, "videoId", "left")
        .orderBy((F.col("expected") - F.col("cases")).asc(), F.asc("videoId"))
        .limit(_VIDEOS)
        .collect()
    )
    return Outlook(
        day=whole["day"],
        cases=whole["cases"],
        expected=whole["expected"],
        videos=tuple(
            Unfinished(row["videoId"], row["videoTitle"], row["cases"], row["expected"])
            for row in rows
        ),
    )
