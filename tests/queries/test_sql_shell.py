"""The views and the shell: every table, bound values, readable errors, any folder's name."""

from collections.abc import Sequence
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
from video_assets.sql_shell import Sql, SqlError, SqlShell, main
from video_assets.tables import ALL_TABLES


@pytest.fixture
def shell(views: SqlViews) -> SqlShell:
    return SqlShell(Sql(views))


def type_in(shell: SqlShell, *lines: str) -> Sequence[bool]:
    """Whether the shell waits for more after each line."""
    return [shell.push(line) for line in lines]


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
    with pytest.raises(SqlError, match=r"parameters x, y\. In the shell: \.set x VALUE"):
        list(Sql(views, {"z": "1"}).results("SELECT :y, :x, :z"))


def test_a_statement_may_go_over_several_lines(
    shell: SqlShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(shell, "SELECT 40 +", "  2 AS answer", ";") == [True, True, False]
    assert "42" in capsys.readouterr().out


def test_commands_set_parameters_and_read_files(
    shell: SqlShell, queries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [".set user_id peter", ".set video_id video_001", ".set session_id"]
    type_in(shell, *lines, f".read {queries / 'session_events.sql'}")
    assert "backward skip" in capsys.readouterr().out


def test_tables_are_listed_with_what_a_row_is(
    shell: SqlShell, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(shell, ".tables")
    out = capsys.readouterr().out
    assert f"{RAW_EVENTS.name:34} {RAW_EVENTS.grain}" in out
    assert "Not there yet:" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("SELECT nothing;", "Binder Error"),
        (".read no/file.sql", "no/file.sql: No such file"),
        (".drop", ".drop is no command; there are:"),
        (".help", ".refresh"),
    ],
)
def test_errors_do_not_end_the_shell(
    shell: SqlShell, line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(shell, line) == [False]
    assert said in capsys.readouterr().out


def test_quit_ends_the_shell(shell: SqlShell) -> None:
    with pytest.raises(SystemExit):
        type_in(shell, ".quit")


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
