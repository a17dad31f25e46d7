"""What the tasks emit for the tables of the group.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from resources.delta.stage import Emission
from video_assets.arrow.kernels import Batches, gathered
from video_assets.lifetime_views import frames
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS

CALLS = "calls"


def answers(
    batches: Iterator[pa.RecordBatch], ask: Callable[[Batches], Batches]
) -> Iterator[Emission]:
    """The answers for the videos of a task, and how many calls it took to get them."""
    rows = gathered(ask(batches), frames.LIFETIME_ANSWERS.arrow_schema)
    statuses = np.array(rows["status"].to_pylist())
    counted = {status: int(np.sum(statuses == status)) for status in frames.STATUSES}
    counted[CALLS] = sum(
        video == batch
        for video, batch in zip(
            rows["video_id"].to_pylist(), rows["batch"].to_pylist(), strict=True
        )
    )
    known = rows.filter(pa.array(statuses != frames.UNKNOWN, pa.bool_()))
    yield Emission(LIFETIME_SNAPSHOTS.name, known.select(LIFETIME_SNAPSHOTS.column_names), counted)
