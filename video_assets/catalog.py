"""What the Dagster UI shows of a table: schema, lineage, key, owner, kinds."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from resources.delta.table import SCHEMA_NAME, Column, Table
from video_assets.lineage import lineage_of

OWNERS = ["team:video-analytics"]
KINDS = {"pyspark", "deltalake"}

PLAYER_EVENTS = "player_events"
ENGAGEMENT = "engagement"
DAILY_VIEWS = "daily_views"
LIFETIME_VIEWS = "lifetime_views"
ANALYTICS = "analytics"


def asset_key(table: Table) -> dg.AssetKey:
    """The asset of a table: `video/<table>`."""
    return dg.AssetKey([SCHEMA_NAME, table.name])


def declared(table: Table, group: str) -> dict[str, Any]:
    """Arguments of `@dg.asset` or `dg.AssetOut` that follow from a table's declaration."""
    return {
        "key": asset_key(table),
        "group_name": group,
        "owners": OWNERS,
        "kinds": KINDS,
        "metadata": _definition_metadata(table),
    }


def column_lineage(table: Table) -> dict[str, dg.TableColumnLineage]:
    """Metadata that draws where each column comes from; empty for a table read from a source."""
    lineage = lineage_of(table)
    if not lineage:
        return {}
    deps = {column: _column_deps(sources) for column, sources in lineage.items()}
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)}


def _definition_metadata(table: Table) -> dict[str, Any]:
    partition = {"partition_expr": table.partition_by} if table.partition_by else {}
    return {
        "dagster/column_schema": _table_schema(table),
        "grain": table.grain,
        "primary_key": ", ".join(table.key),
        **column_lineage(table),
        **partition,
    }


def _table_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema([_table_column(column) for column in table.columns])


def _table_column(column: Column) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        type=column.type_name,
        description=column.comment,
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
    )


def _column_deps(sources: Mapping[str, tuple[str, ...]]) -> list[dg.TableColumnDep]:
    return [
        dg.TableColumnDep(dg.AssetKey([SCHEMA_NAME, table]), column)
        for table, columns in sources.items()
        for column in columns
    ]
