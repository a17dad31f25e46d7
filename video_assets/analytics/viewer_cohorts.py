"""The table `viewer_cohorts`: how many of the viewers of a week come back in the weeks after."""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from resources.delta.table import Table, required
from video_assets.analytics.aggregates import total
from video_assets.analytics.tables import VIEWER_COHORTS
from video_assets.arrow.columns import floats, integers, to_table
from video_assets.arrow.kernels import map_tables

_DAYS_PER_WEEK = 7

ACTIVE_WEEKS = Table(
    name="active_weeks",
    grain="one week in which any viewer of a cohort came",
    key=("cohortWeek", "week"),
    columns=(
        required("cohortWeek", pa.date32(), "Monday of the viewers' first week"),
        required("week", pa.date32(), "Monday of the week"),
        required("viewers", pa.int64(), "viewers of the cohort who came"),
        required("watchSeconds", pa.float64(), "what they watched", "s"),
    ),
)


def viewer_cohorts(sessions: DataFrame) -> DataFrame:
    """One row per cohort and week, from the cohort's first week to the newest week of the data.

    Weeks begin on Monday (ISO 8601), in UTC. A week in which nobody came back has a row too, with
    0 viewers, so that a missing row always means a week that is yet to come.

    Args:
        sessions: all rows of `sessions`.

    Returns:
        Rows of `viewer_cohorts`.
    """
    active = _active_weeks(sessions).repartition(1)
    return map_tables(active, cohort_rows, ACTIVE_WEEKS.arrow_schema, VIEWER_COHORTS)


def cohort_rows(active: pa.Table) -> pa.Table:
    """Lay out all weeks of all cohorts, and put into them what is known.

    Args:
        active: rows of `ACTIVE_WEEKS`, each cohort's own week among them.

    Returns:
        Rows of `viewer_cohorts`, by cohort and week.
    """
    if active.num_rows == 0:
        return VIEWER_COHORTS.arrow_schema.empty_table()
    week = integers(active, "week")
    cohorts, cohort = np.unique(integers(active, "cohortWeek"), return_inverse=True)
    weeks = (week.max() - cohorts) // _DAYS_PER_WEEK + 1
    begins = np.cumsum(weeks) - weeks
    row = begins[cohort] + (week - cohorts[cohort]) // _DAYS_PER_WEEK
    returning = np.zeros(int(weeks.sum()), np.int64)
    returning[row] = integers(active, "viewers")
    watched = np.zeros(len(returning))
    watched[row] = floats(active, "watchSeconds")
    of_cohort = np.repeat(np.arange(len(cohorts)), weeks)
    size = returning[begins][of_cohort]
    return to_table(
        {
            "cohortWeek": pa.array(cohorts[of_cohort].astype(np.int32)).cast(pa.date32()),
            "weeksSince": np.arange(len(returning)) - begins[of_cohort],
            "cohortViewers": size,
            "returningViewers": returning,
            "returnRate": np.round(100 * returning / size, 2),
            "watchSeconds": watched,
        },
        VIEWER_COHORTS.arrow_schema,
    )


def _active_weeks(sessions: DataFrame) -> DataFrame:
    """For each cohort and week, the viewers who came and what they watched; few rows."""
    # `weekday` gives -1 for a Sunday on the embedded engine.
    week = F.date_trunc("week", F.col("sessionDate")).cast("date")
    of_user = sessions.groupBy("userId", week.alias("week")).agg(
        total("watchTime").alias("watchSeconds")
    )
    first_week = F.min("week").over(Window.partitionBy("userId"))
    return (
        of_user.withColumn("cohortWeek", first_week)
        .groupBy("cohortWeek", "week")
        .agg(F.count(F.lit(1)).alias("viewers"), total("watchSeconds").alias("watchSeconds"))
    )
