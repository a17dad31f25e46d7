"""The reference parts of the documentation, made from the declarations: `make docs`.

README.md holds the settings between two markers, docs/tables.md every table and column.
"""

from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from resources.delta.table import Column, Table
from video_assets.rules import WatchTimeRules
from video_assets.settings import PREFIX, Settings
from video_assets.tables import TABLES

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TABLES_PAGE = ROOT / "docs" / "tables.md"
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


def readme_with_settings(readme: str) -> str:
    """The README with its table of settings renewed."""
    before, _, rest = readme.partition(SETTINGS_START)
    _, _, after = rest.partition(SETTINGS_END)
    return before + SETTINGS_START + settings_reference() + SETTINGS_END + after


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
    README.write_text(readme_with_settings(README.read_text("utf-8")), "utf-8")
    TABLES_PAGE.write_text(tables_reference(), "utf-8")
