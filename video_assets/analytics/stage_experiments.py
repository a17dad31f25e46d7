"""`experiment_results`: summed up by the engine, compared here."""

from typing import Any

import pyarrow as pa

from resources.delta.stage import StagedTable, stage_frame, stage_nothing, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from video_assets.analytics.tables import EXPERIMENT_RESULTS
from video_assets.engagement.tables import SESSIONS
from video_assets.settings import Settings


def stage_experiment_results(spark: Engine, settings: Settings) -> StagedTable:
    """Write the rows of all experiments for one commit; none where the settings name none."""
    if not settings.experiments:
        return stage_nothing(target(settings.warehouse, EXPERIMENT_RESULTS))[
            EXPERIMENT_RESULTS.name
        ]
    # Scipy takes a second to import, which no other step waits for.
    from video_assets.analytics.experiment_results import (  # noqa: PLC0415
        result_rows,
        viewer_sums,
    )

    session = spark.spark_session
    sessions = Warehouse(settings.warehouse, lambda: session).frame(SESSIONS)
    rows: list[dict[str, Any]] = []
    for name, plan in settings.experiments.items():
        # A row a variant, whatever the number of viewers.
        sums = [row.asDict() for row in viewer_sums(sessions, name, plan).collect()]
        rows += result_rows(sums, name, plan)
    table = pa.Table.from_pylist(rows, EXPERIMENT_RESULTS.arrow_schema)
    return stage_frame(session.createDataFrame(table), settings.warehouse, EXPERIMENT_RESULTS)
