"""The reference parts of the documentation, made from the declarations: `make docs`.

README.md holds the settings and the questions between markers, docs/tables.md every table and
column, docs/errors.md every error.
"""

import re
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from resources.delta.table import Column, Table
from video_assets.error_reference import errors_reference
from video_assets.rules import WatchTimeRules
from video_assets.settings import PREFIX, Settings
from video_assets.tables import TABLES

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TABLES_PAGE = ROOT / "docs" / "tables.md"
ERRORS_PAGE = ROOT / "docs" / "errors.md"
QUERIES = ROOT / "queries"
# What people ask, as a viewer's path goes: what is watched, how, by whom, views, and the data.
QUESTIONS = (
    "top_videos",
    "growing_videos",
    "first_seven_days",
    "views_by_month",
    "lifetime_beside_days",
    "completion",
    "left_early",
    "drop_off",
    "moments_that_lose_viewers",
    "moments_watched_again",
    "moments_skipped_over",
    "skipped_videos",
    "retention_beside_similar",
    "tier_distribution",
    "by_device",
    "experiments",
    "viewers_by_day",
    "returning_viewers",
    "left_unfinished",
    "power_users",
    "watched_together",
    "hours_of_day",
    "visits",
    "session_events",
    "dates_missing",
    "refused_rows",
    "files_waiting",
    "quality_watch_time_above_duration",
)
QUESTIONS_START = "<!-- questions: made by `make docs` -->\n"
QUESTIONS_END = "<!-- end of questions -->\n"
_READ_TABLE = re.compile(r"\b(?:FROM|JOIN) (\w+)")
SETTINGS_START = "<!-- settings: made by `make docs` -->\n"
SETTINGS_END = "<!-- end of settings -->\n"


def settings_reference() -> str:
    """All settings as a Markdown table, those of the watch-time rules last."""
    rules = set(WatchTimeRules.model_fields)
    fields = sorted(Settings.model_fields.items(), key=lambda item: item[0] in rules)
    head = f"| setting (prefix `{PREFIX}`) | default | meaning |\n| --- | --- | --- |\n"
    return head + "".join(
        f"| `{name.upper()}` | {_default(field)} | {_cell(field.description or '')} |\n"
        for name, field in fields
    )


def tables_reference() -> str:
    """Every table with its columns, as a Markdown page."""
    intro = (
        "# Tables\n\nMade by `make docs` from the `tables.py` of each group. Every table is a "
        "Delta table at `<warehouse>/video/<table>`.\n"
    )
    return intro + "".join(_table_reference(table) for table in TABLES.values())


def questions_reference() -> str:
    """What people ask, the query that answers it, and what that reads, as a Markdown table."""
    head = "| question | query | tables |\n| --- | --- | --- |\n"
    return head + "".join(_question_reference(name) for name in QUESTIONS)


def question_of(query: str) -> str:
    """What a query answers, as its first line says."""
    first, *_ = _sql(query).splitlines()
    question, _, _ = first.removeprefix("-- ").partition("?")
    return f"{question}?"


def tables_of(query: str) -> list[str]:
    """The stored tables that a query reads, in order."""
    named = dict.fromkeys(_READ_TABLE.findall(_sql(query)))
    return [name for name in named if name in TABLES]


def renewed_readme(readme: str) -> str:
    """The README with its tables of settings and of questions renewed."""
    settings = _between(readme, SETTINGS_START, SETTINGS_END, settings_reference())
    return _between(settings, QUESTIONS_START, QUESTIONS_END, questions_reference())


def _between(page: str, start: str, end: str, text: str) -> str:
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return before + start + text + end + after


def _sql(query: str) -> str:
    return (QUERIES / f"{query}.sql").read_text("utf-8")


def _question_reference(query: str) -> str:
    tables = ", ".join(f"[`{name}`](docs/tables.md#{name})" for name in tables_of(query))
    file = f"[`{query}.sql`](queries/{query}.sql)"
    return f"| {_cell(question_of(query))} | {file} | {tables} |\n"


def _table_reference(table: Table) -> str:
    partition = f"; partitioned by `{table.partition_by}`" if table.partition_by else ""
    key = ", ".join(f"`{name}`" for name in table.key)
    head = f"\n## `{table.name}`\n\nOne row: {table.grain}. Key: {key}{partition}.\n\n"
    columns = "| column | type | unit | meaning |\n| --- | --- | --- | --- |\n"
    return head + columns + "".join(_column_reference(column) for column in table.columns)


def _column_reference(column: Column) -> str:
    nullable = "" if not column.nullable else ", may be null"
    return (
        f"| `{column.name}` | {_cell(column.type_name)}{nullable} | {column.unit} "
        f"| {_cell(column.description)} |\n"
    )


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default in (None, PydanticUndefined, {}, ()) or isinstance(default, BaseModel):
        return "unset"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    README.write_text(renewed_readme(README.read_text("utf-8")), "utf-8")
    TABLES_PAGE.write_text(tables_reference(), "utf-8")
    ERRORS_PAGE.write_text(errors_reference(), "utf-8")
