"""The views, query files and the editor: bound values, readable errors, any folder's name."""

import asyncio
import sys
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from support.tables import frame, views
from support.world import World

from resources.delta.commit import commit
from resources.delta.duckdb_views import SqlViews
from resources.delta.errors import TableError
from resources.delta.stage import StagedTable, stage_frame, table_location
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS
from video_assets.engagement.tables import SESSIONS
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.sql_shell import Sql, SqlError, editor, main
from video_assets.tables import ALL_TABLES


def store(spark: SparkSession, warehouse: str, *days: int) -> None:
    rows = frame(spark, views("v1", *days))
    replaced = frozenset(date(2025, 1, day) for day in days)
    commit(stage_frame(rows, warehouse, DAILY_VIDEO_VIEWS, replaced))


def count(views: SqlViews, table: str = DAILY_VIDEO_VIEWS.name) -> int:
    return len(views.connection.table(table))


def test_a_view_has_the_rows_and_types_of_its_table(views: SqlViews, tables: World) -> None:
    for table in (RAW_EVENTS, SESSIONS):
        relation = views.connection.table(table.name)
        assert tuple(relation.columns) == table.column_names
        assert len(relation) == len(tables.rows(table))
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        assert types[table.partition_by or ""] == "DATE"
    assert types["firstEventTime"] == "TIMESTAMP WITH TIME ZONE"


def test_tables_that_were_never_written_are_named(views: SqlViews) -> None:
    assert RAW_EVENTS in views.shown
    assert DAILY_VIDEO_VIEWS in views.absent


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    warehouse = str(tmp_path)
    commit(StagedTable(SESSIONS, table_location(warehouse, SESSIONS)))
    relation = SqlViews.of(warehouse, ALL_TABLES).connection.table(SESSIONS.name)
    assert (tuple(relation.columns), len(relation)) == (SESSIONS.column_names, 0)


def test_a_warehouse_may_have_any_name(spark: SparkSession, tmp_path: Path) -> None:
    warehouse = str(tmp_path / "für [alle]* 'x' 100 %")
    store(spark, warehouse, 1, 2)
    assert count(SqlViews.of(warehouse, ALL_TABLES)) == 2


def test_views_show_what_was_there_until_they_are_refreshed(
    spark: SparkSession, tmp_path: Path
) -> None:
    warehouse = str(tmp_path)
    store(spark, warehouse, 1)
    seen = SqlViews.of(warehouse, ALL_TABLES)
    store(spark, warehouse, 1, 2, 3)
    assert count(seen) == 1
    seen.refresh()
    assert count(seen) == 3


def test_a_table_whose_files_do_not_show_its_rows_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    store(spark, str(tmp_path), 1)
    table = DeltaTable(table_location(str(tmp_path), DAILY_VIDEO_VIEWS))
    table.alter.set_table_properties({"delta.enableDeletionVectors": "true"})
    with pytest.raises(TableError, match=r"deletionVectors.*extension `delta`"):
        SqlViews.of(str(tmp_path), ALL_TABLES)


@pytest.mark.parametrize("text", ["SELECT :x AS x", "SELECT $x AS x", "SELECT concat(:x) AS x"])
def test_values_are_bound(views: SqlViews, text: str) -> None:
    [result] = Sql(views, {"x": "A'; DROP VIEW sessions; --"}).results(text)
    assert result.fetchall() == [("A'; DROP VIEW sessions; --",)]


@pytest.mark.parametrize(
    "text", ["SELECT ':x'", "SELECT 1 -- :x", "SELECT '1'::int", "SELECT 1 /* a\n:x */"]
)
def test_what_only_looks_like_a_parameter_is_none(views: SqlViews, text: str) -> None:
    assert len(list(Sql(views).results(text))) == 1


def test_a_parameter_without_value_is_named(views: SqlViews) -> None:
    with pytest.raises(SqlError, match=r"parameters x, y: add --set x=VALUE"):
        list(Sql(views, {"z": "1"}).results("SELECT :y, :x, :z"))


def test_the_editor_runs_sql_and_refreshes_the_views_with_its_catalog(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    warehouse = str(tmp_path)
    store(spark, warehouse, 1)
    app = editor(SqlViews.of(warehouse, ALL_TABLES))

    def rows() -> object:
        return app.connection.execute("FROM daily_video_views").fetchall().num_rows

    async def session() -> list[object]:
        counts = []
        async with app.run_test() as pilot:
            while app.editor is None:
                await pilot.pause(0.05)
            counts.append(rows())
            store(spark, warehouse, 1, 2, 3)
            await pilot.press("ctrl+r")
            while rows() == 1:
                await pilot.pause(0.05)
            counts.append(rows())
            await pilot.press("ctrl+q")
        return counts

    assert asyncio.run(session()) == [1, 3]


def test_without_its_extra_the_editor_says_how_to_install_it(
    views: SqlViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "harlequin", None)
    with pytest.raises(SqlError, match=r"pip install 'video_assets\[sql\]'"):
        editor(views)


@pytest.mark.parametrize(
    ("text", "said"),
    [("SELECT nothing;", "Binder Error"), ("SELECT :x", "parameters x: add --set x=VALUE")],
)
def test_a_file_that_cannot_run_ends_with_the_reason(
    text: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_WAREHOUSE", str(tmp_path))
    file = tmp_path / "query.sql"
    file.write_text(text)
    assert main([str(file)]) == 2
    assert said in capsys.readouterr().err
    assert main(["no/file.sql"]) == 2
    assert "no/file.sql: No such file" in capsys.readouterr().err


def test_a_file_on_the_command_line_is_run(
    tables: World,
    queries: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_WAREHOUSE", tables.settings.warehouse)
    file = str(queries / "session_events.sql")
    assert main([file]) == 2
    assert "no value for the parameters session_id" in capsys.readouterr().err
    given = ["--set", "user_id=peter", "--set", "video_id=video_001", "--set", "session_id="]
    assert main([file, *given]) == 0
    assert "nothing: was paused" in capsys.readouterr().out


def test_a_result_is_printed_with_all_of_its_columns(
    tables: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_WAREHOUSE", tables.settings.warehouse)
    file = tmp_path / "wide.sql"
    file.write_text("SELECT * FROM aggregated_user_video_engagement")
    assert main([str(file)]) == 0
    out = capsys.readouterr().out
    assert "creditedWatchTime" in out
    assert "totalBackwardSkips" in out
