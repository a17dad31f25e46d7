"""`make sql`: every table as a view in Harlequin's SQL editor; or SQL files run and printed."""

import re
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from resources.delta.duckdb_views import SqlViews
from resources.delta.errors import TableError
from resources.storage import StorageError
from video_assets.settings import SettingsError, load_settings
from video_assets.tables import ALL_TABLES

if TYPE_CHECKING:
    from harlequin import Harlequin
    from harlequin.catalog import Catalog

ROWS_SHOWN = 100
UNLIMITED = 10_000
# Texts, quoted names and comments, which stay as they are; and `:name` where a value may stand.
_PARAMETER = re.compile(
    r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/)|(?<=[\s(,=<>+*/-]):([A-Za-z_]\w*)""",
    re.DOTALL,
)


class SqlError(Exception):
    """SQL that cannot run; the message says why."""


class Sql:
    """Runs SQL over the views, with named parameters."""

    def __init__(self, views: SqlViews, parameters: Mapping[str, str] | None = None) -> None:
        """Run over these views, with values for parameters."""
        self._connection = views.connection
        self._parameters = dict(parameters or {})

    def results(self, text: str) -> Iterable[duckdb.DuckDBPyRelation]:
        """The result of each statement that has one.

        Parameters are written `:name`, as on Databricks, or `$name`, as in DuckDB; their values
        are bound, never pasted into the text.

        Raises:
            SqlError: DuckDB refuses a statement, or a parameter has no value.
        """
        try:
            for statement in duckdb.extract_statements(_PARAMETER.sub(_in_duckdb, text)):
                values = self._values(statement.named_parameters)
                result = self._connection.sql(statement, params=values or None)
                if result is not None:
                    yield result
        except duckdb.Error as error:
            raise SqlError(str(error)) from error

    def _values(self, names: Iterable[str]) -> dict[str, str]:
        missing = sorted(set(names) - self._parameters.keys())
        if missing:
            raise SqlError(
                f"no value for the parameters {', '.join(missing)}: add --set {missing[0]}=VALUE"
            )
        return {name: self._parameters[name] for name in names}


def _in_duckdb(found: re.Match[str]) -> str:
    return found[1] or f"${found[2]}"


def editor(views: SqlViews) -> "Harlequin":
    """Harlequin over the views; to refresh its catalog (Ctrl-R) refreshes them.

    Raises:
        SqlError: Harlequin is not installed.
    """
    try:
        from harlequin import Harlequin  # noqa: PLC0415 (an optional extra)
        from harlequin_duckdb.adapter import DuckDbAdapter, DuckDbConnection  # noqa: PLC0415
    except ImportError as error:
        raise SqlError(
            "the SQL editor is an extra that is not installed: pip install 'video_assets[sql]', "
            f"or name SQL files to run ({error})"
        ) from error

    class Connection(DuckDbConnection):
        def get_catalog(self) -> "Catalog":
            views.refresh()
            return super().get_catalog()

    class Adapter(DuckDbAdapter):
        def connect(self) -> DuckDbConnection:
            absent = ", ".join(table.name for table in views.absent)
            return Connection(views.connection, f"Not there yet: {absent}" if absent else "")

    return Harlequin(Adapter(()), adapter_name="duckdb")


def show(results: Iterable[duckdb.DuckDBPyRelation]) -> None:
    """Print results as tables, as wide as the terminal; elsewhere with all columns."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    for result in results:
        result.show(max_rows=ROWS_SHOWN, max_width=width)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run SQL files, or open the editor; the exit code is 0 when nothing failed."""
    options = _options(arguments)
    try:
        parameters = dict(_assignment(text) for text in options.set)
        with closing(SqlViews.of(load_settings().warehouse, ALL_TABLES)) as views:
            sql = Sql(views, parameters)
            for path in options.files:
                show(sql.results(_content(path)))
            if not options.files:
                editor(views).run()
    except (SettingsError, SqlError, StorageError, TableError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> "_Options":
    parser = ArgumentParser("python -m video_assets.sql_shell", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="SQL files to run; none: the editor")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter's value"
    )
    return parser.parse_args(arguments, _Options())


class _Options:
    files: Sequence[Path]
    set: Sequence[str]


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SqlError(f"--set {text}: write --set NAME=VALUE")
    return name, value


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SqlError(f"{path}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
