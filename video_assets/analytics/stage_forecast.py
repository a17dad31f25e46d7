"""`completion_forecast`: fitted to one week, tried on the week after it, applied to now."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.stage import StagedTable, stage_frame, stage_nothing, target
from resources.delta.table import Table, required
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from resources.epoch import day_number
from video_assets.analytics.forecast_model import (
    LEAST_COMPLETIONS,
    Evaluation,
    Model,
    evaluated,
    fitted,
)
from video_assets.analytics.forecast_states import (
    HORIZON,
    SESSIONS_TAKEN,
    STATES,
    states_of_users,
)
from video_assets.analytics.tables import COMPLETION_FORECAST
from video_assets.arrow.columns import booleans, to_table
from video_assets.arrow.kernels import map_tables, tasks_for
from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA
from video_assets.settings import Settings
from video_assets.sizes import FORECAST_SAMPLE

# Under this name the log of the table has why there are rows, or none.
FINDING = "finding"
_LEARNED, _TRIED, _NEWEST = range(3)
_OF_VIDEO = ("videoWasOpen", "videoWasCompleted")
WITH_RATES = Table(
    name="states_with_rates",
    grain=STATES.grain,
    key=STATES.key,
    columns=(
        *STATES.columns,
        *(required(name, pa.float64(), "of all viewers of the video") for name in _OF_VIDEO),
    ),
)


@dataclass(frozen=True)
class Forecast:
    """What a run made.

    Attributes:
        staged: the rows.
        finding: why there are rows, or none.
        newest: day at whose end the viewers stand.
        evaluation: of the model, None where there was too little to fit one.
    """

    staged: StagedTable
    finding: str
    newest: date | None = None
    evaluation: Evaluation | None = None


def stage_completion_forecast(spark: Engine, settings: Settings, log: logging.Logger) -> Forecast:
    """Write the forecast of all who have opened a video and not completed it, for one commit.

    The model learns from who was open two horizons before the newest day, and is tried on who was
    a horizon before it. Where it is no better than the rate of the video, or of the viewer, the
    table is empty.
    """
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session).snapshot()
    loaded = sorted(day for day, rows in stored.rows_per_day(SESSIONS).items() if day and rows)
    into = target(settings.warehouse, COMPLETION_FORECAST)
    nothing = partial(_nothing, into)
    if not loaded or loaded[0] > (newest := loaded[-1]) - timedelta(days=2 * HORIZON):
        return nothing(f"There are less than {2 * HORIZON + 1} days of sessions to learn from.")
    days = [newest - timedelta(days=HORIZON * weeks) for weeks in (2, 1, 0)]
    tasks = tasks_for(stored.row_count(SESSIONS), spark.cores)
    states = _states(stored, days, tasks)
    kept = stage_frame(states, settings.warehouse, STATES, sort=False)
    if not kept.files:
        return nothing("Nobody has left a video before its end.", newest)
    try:
        written = spark.spark_session.read.parquet(*kept.file_locations)
        work = _Work.of(written)
        learned, tried = work.sample(_LEARNED), work.sample(_TRIED)
        if min(_completions(learned), _completions(tried)) < LEAST_COMPLETIONS:
            return nothing(
                f"Fewer than {LEAST_COMPLETIONS} videos were completed later, among those left "
                "before their end: too few to learn from.",
                newest,
            )
        model = fitted(learned, work.everybody[_LEARNED])
        found = evaluated(model, tried, work.everybody[_TRIED])
        log.info("%s", _in_words(found))
        if not found.is_better:
            return nothing(_in_words(found), newest, found)
        rows = work.forecast(model, newest)
        staged = stage_frame(rows, settings.warehouse, COMPLETION_FORECAST)
        return _made(staged, _in_words(found), newest, found)
    finally:
        kept.discard()


def _nothing(
    into: Any, why: str, newest: date | None = None, found: Evaluation | None = None
) -> Forecast:
    return _made(stage_nothing(into)[COMPLETION_FORECAST.name], why, newest, found)


def _made(
    staged: StagedTable, finding: str, newest: date | None, found: Evaluation | None
) -> Forecast:
    """A forecast whose finding stays with the table, for those who read it."""
    return Forecast(replace(staged, origin={FINDING: finding}), finding, newest, found)


def _states(stored: Warehouse, days: Sequence[date], tasks: int) -> DataFrame:
    numbers = [day_number(day) for day in days]

    def of_task(sessions: pa.Table) -> pa.Table:
        return states_of_users(sessions, numbers)

    lengths = stored.frame(VIDEO_METADATA).select("videoId", "duration")
    sessions = stored.frame(SESSIONS).join(F.broadcast(lengths), "videoId", "left")
    by_user = sessions.select(*SESSIONS_TAKEN.names).repartition(tasks, F.col("userId"))
    return map_tables(by_user, of_task, SESSIONS_TAKEN, STATES)


@dataclass(frozen=True)
class _Work:
    """The states as they were written, and a few numbers of each day.

    Attributes:
        states: rows of `STATES`.
        everybody: share of those open a horizon before each day that was completed by it.
        open: rows that are open at its end.
    """

    states: DataFrame
    everybody: Sequence[float]
    open: Sequence[int]

    @classmethod
    def of(cls, states: DataFrame) -> "_Work":
        """Count by day."""
        counted = states.groupBy("day").agg(
            F.count_if(F.col("isOpen")).alias("open"),
            F.sum("wasOpen").alias("wasOpen"),
            F.sum("wasCompleted").alias("wasCompleted"),
        )
        found = {row["day"]: row for row in counted.collect()}
        days = [found.get(day) for day in (_LEARNED, _TRIED, _NEWEST)]
        return cls(
            states,
            [row["wasCompleted"] / max(row["wasOpen"], 1) if row else 0.0 for row in days],
            [row["open"] if row else 0 for row in days],
        )

    def sample(self, day: int) -> pa.Table:
        """The rows that are open at the end of a day; of many, a share that their ids decide."""
        parts = -(-self.open[day] // FORECAST_SAMPLE) or 1
        part = F.pmod(F.xxhash64("userId", "videoId"), F.lit(parts))
        rows = self._open(day).where(part == F.lit(0)).collect()
        return pa.Table.from_pylist([row.asDict() for row in rows], WITH_RATES.arrow_schema)

    def forecast(self, model: Model, newest: date) -> DataFrame:
        """Rows of `completion_forecast`."""
        everybody = self.everybody[_NEWEST]

        def of_task(states: pa.Table) -> pa.Table:
            return _forecast(states, model, everybody, newest)

        return map_tables(
            self._open(_NEWEST), of_task, WITH_RATES.arrow_schema, COMPLETION_FORECAST
        )

    def _open(self, day: int) -> DataFrame:
        """The rows that are open at the end of a day, with the rates of their videos."""
        of_day = self.states.where(F.col("day") == F.lit(day))
        videos = of_day.groupBy("videoId").agg(
            F.sum("wasOpen").cast("double").alias("videoWasOpen"),
            F.sum("wasCompleted").cast("double").alias("videoWasCompleted"),
        )
        return (
            of_day.where(F.col("isOpen"))
            .join(F.broadcast(videos), "videoId")
            .select(*WITH_RATES.column_names)
        )


def _forecast(states: pa.Table, model: Model, everybody: float, newest: date) -> pa.Table:
    said = np.round(model.probabilities(states, everybody), 4)
    columns = {
        "userId": states["userId"],
        "videoId": states["videoId"],
        "completionProbability": said,
        "forecastDate": pa.repeat(pa.scalar(newest, pa.date32()), states.num_rows),
    }
    return to_table(columns, COMPLETION_FORECAST.arrow_schema)


def _completions(states: pa.Table) -> int:
    return int(booleans(states, "isCompletedAfter").sum())


def _in_words(found: Evaluation) -> str:
    verdict = "is better" if found.is_better else "is no better"
    return (
        f"The model {verdict} than the rates of videos and viewers on the {HORIZON} newest days: "
        f"Brier score {found.model:.5f}, beside {found.video:.5f} and {found.viewer:.5f}, of "
        f"{found.completions:,} completions among {found.cases:,}."
    )
