"""Tables that another tool has changed: written, or refused at once with the reason."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, TableFeatures
from pyspark.sql import SparkSession
from support.tables import day, delta, frame, stored_days, views

from resources.delta.commit import commit
from resources.delta.errors import UnsupportedTableError
from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, stage_frame
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS


@pytest.fixture
def staged(spark: SparkSession, tmp_path: Path) -> Callable[[str], StagedTable]:
    def stage(video: str) -> StagedTable:
        return stage_frame(
            frame(spark, views(video, 1)), str(tmp_path), DAILY_VIDEO_VIEWS, Days([day(1)])
        )

    return stage


def append_only(table: DeltaTable) -> None:
    table.alter.set_table_properties({"delta.appendOnly": "true"})


def check_constraint(table: DeltaTable) -> None:
    table.alter.add_constraint({"known": '"viewCount" < 10'})


def identity_columns(table: DeltaTable) -> None:
    table.alter.add_feature(TableFeatures.IdentityColumns, allow_protocol_versions_increase=True)


def deletion_vectors(table: DeltaTable) -> None:
    table.alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (append_only, "delta.appendOnly"),
        (check_constraint, "CHECK constraint known"),
        (identity_columns, "writer feature identityColumns"),
    ],
)
def test_what_our_commit_would_violate_is_named_at_once_and_nothing_is_written(
    change: Callable[[DeltaTable], None],
    named: str,
    staged: Callable[[str], StagedTable],
    tmp_path: Path,
) -> None:
    commit(staged("old"))
    change(delta(str(tmp_path)))
    new = staged("new")
    begin = time.monotonic()
    with pytest.raises(UnsupportedTableError, match=named):
        commit(new)
    assert time.monotonic() - begin < 5
    assert stored_days(str(tmp_path)) == [("old", 1)]
    assert not any(Path(file).exists() for file in new.file_locations)


def test_a_table_that_only_allows_deletion_vectors_is_written(
    staged: Callable[[str], StagedTable], tmp_path: Path
) -> None:
    commit(staged("old"))
    deletion_vectors(delta(str(tmp_path)))
    commit(staged("new"))
    assert stored_days(str(tmp_path)) == [("new", 1)]
