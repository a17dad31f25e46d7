"""`make sql`: a DuckDB shell with every table as a view; or the results of SQL files, printed."""

import atexit
import re
import shutil
import sys
from argparse import ArgumentParser
from code import InteractiveConsole
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import duckdb

from resources.delta.duckdb_views import SqlViews
from resources.delta.errors import TableError
from resources.storage import StorageError
from video_assets.settings import SettingsError, load_settings
from video_assets.tables import ALL_TABLES

HISTORY = Path.home() / ".video_assets_sql_history"
ROWS_SHOWN = 100
UNLIMITED = 10_000
HELP = """\
SELECT ...;              run SQL, up to the semicolon; DESCRIBE raw_events; shows columns
.tables                  the tables, and what a row of each is
.read queries/FILE.sql   run a file
.set NAME VALUE          give a value to the parameter :NAME of the queries to come
.refresh                 show what was written since the shell was opened
.quit                    leave (or Ctrl-D)"""
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
        self.views = views
        self.parameters = dict(parameters or {})

    def results(self, text: str) -> Iterable[duckdb.DuckDBPyRelation]:
        """The result of each statement that has one.

        Parameters are written `:name`, as on Databricks, or `$name`, as in DuckDB; their values
        are bound, never pasted into the text.

        Raises:
            SqlError: DuckDB refuses a statement, or a parameter has no value.
        """
        try:
            for statement in duckdb.extract_statements(_PARAMETER.sub(_in_duckdb, text)):
                given = self._values(statement.named_parameters)
                result = self.views.connection.sql(statement, params=given or None)
                if result is not None:
                    yield result
        except duckdb.Error as error:
            raise SqlError(str(error)) from error

    def _values(self, names: Iterable[str]) -> dict[str, str]:
        missing = sorted(set(names) - self.parameters.keys())
        if missing:
            raise SqlError(
                f"no value for the parameters {', '.join(missing)}. In the shell: .set "
                f"{missing[0]} VALUE; on the command line: --set {missing[0]}=VALUE"
            )
        return {name: self.parameters[name] for name in names}


def _in_duckdb(found: re.Match[str]) -> str:
    return found[1] or f"${found[2]}"


class SqlShell(InteractiveConsole):
    """Reads statements and commands from the terminal."""

    def __init__(self, sql: Sql) -> None:
        """A shell that runs `sql`."""
        super().__init__()
        self._sql = sql
        self._commands = {
            ".help": lambda _: self.write(f"{HELP}\n"),
            ".tables": lambda _: self.write(_overview(sql.views)),
            ".read": lambda path: self.run(_content(Path(path))),
            ".set": self._set,
            ".refresh": lambda _: sql.views.refresh(),
            ".quit": _leave,
        }

    def runsource(self, source: str, filename: str = "<sql>", symbol: str = "single") -> bool:  # noqa: ARG002 (Python's signature)
        """Run a command, or a statement once its semicolon is there.

        Returns:
            Whether the statement goes on in the next line.
        """
        text = source.strip()
        if text and not text.startswith(".") and not text.endswith(";"):
            return True
        try:
            self._command(text) if text.startswith(".") else self.run(text)
        except (SqlError, StorageError, TableError) as error:
            self.write(f"{error}\n")
        return False

    def run(self, text: str) -> None:
        """Print the results of some SQL.

        Raises:
            SqlError: it cannot run.
        """
        show(self._sql.results(text))

    def write(self, data: str) -> None:
        """Print to where results go, not to where errors of Python go."""
        sys.stdout.write(data)

    def _command(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        if name not in self._commands:
            raise SqlError(f"{name} is no command; there are:\n{HELP}")
        self._commands[name](rest.strip())

    def _set(self, text: str) -> None:
        name, _, value = text.partition(" ")
        self._sql.parameters[name.removeprefix(":")] = value.strip()


def show(results: Iterable[duckdb.DuckDBPyRelation]) -> None:
    """Print results as tables, as wide as the terminal; elsewhere with all columns."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    for result in results:
        result.show(max_rows=ROWS_SHOWN, max_width=width)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run SQL files, or open the shell; the exit code is 0 when nothing failed."""
    options = _options(arguments)
    try:
        parameters = dict(_assignment(text) for text in options.set)
        with closing(SqlViews.of(load_settings().warehouse, ALL_TABLES)) as views:
            _run(Sql(views, parameters), options.files)
    except (SettingsError, SqlError, StorageError, TableError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _run(sql: Sql, files: Sequence[Path]) -> None:
    for path in files:
        show(sql.results(_content(path)))
    if not files:
        _interact(sql)


def _options(arguments: Sequence[str] | None) -> "_Options":
    parser = ArgumentParser("python -m video_assets.sql_shell", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="SQL files to run; none: a shell")
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


def _interact(sql: Sql) -> None:
    with suppress(ImportError):  # Python on Windows has none
        _keep_history()
    sys.ps1, sys.ps2 = "sql> ", "...> "
    SqlShell(sql).interact(
        banner=f"{_overview(sql.views)}Queries to begin with: .read queries/top_videos.sql\n"
        "SELECT ...; runs SQL, .help lists the commands.",
        exitmsg="",
    )


def _keep_history() -> None:
    import readline  # noqa: PLC0415 (not everywhere)

    with suppress(OSError):
        readline.read_history_file(HISTORY)
    atexit.register(readline.write_history_file, HISTORY)


def _overview(views: SqlViews) -> str:
    lines = [f"{table.name:34} {table.grain}" for table in views.shown]
    if views.absent:
        lines.append(f"Not there yet: {', '.join(table.name for table in views.absent)}")
    return "\n".join([f"Tables at {views.warehouse}:", *lines, ""])


def _leave(_: str) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
