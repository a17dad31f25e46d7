"""What a user sees of the platform before any run, as one JSON text: renew it by running this file.

A change of the code's plan must leave the dump as it is; a change of behaviour shows in its diff.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic_core import PydanticUndefined

from video_assets.definitions import build_definitions
from video_assets.settings import Settings, environment_name
from video_assets.tables import TABLES

DUMP = Path(__file__).with_name("definitions.json")


def dump_of_definitions() -> str:
    """Assets, checks, jobs, schedules, sensors, tables and settings; sorted, one fact a line."""
    defs = build_definitions(Settings(warehouse="warehouse", _env_file=None))
    graph = defs.resolve_asset_graph()
    facts = {
        "assets": {
            key.to_user_string(): _asset(graph.get(key), defs) for key in graph.get_all_asset_keys()
        },
        "checks": {
            f"{key.asset_key.to_user_string()}:{key.name}": _check(graph.get_check_spec(key))
            for key in graph.asset_check_keys
        },
        "jobs": sorted(job.name for job in defs.resolve_all_job_defs()),
        "schedules": {
            schedule.name: str(schedule.cron_schedule) for schedule in defs.schedules or ()
        },
        "sensors": sorted(sensor.name for sensor in defs.sensors or ()),
        "resources": sorted(defs.resources or ()),
        "tables": {name: _table(table) for name, table in TABLES.items()},
        "settings": dict(_settings()),
    }
    return json.dumps(facts, indent=1, sort_keys=True, default=str, ensure_ascii=False) + "\n"


def _asset(node: Any, defs: dg.Definitions) -> dict[str, Any]:
    facts = {
        "group": node.group_name,
        "deps": sorted(key.to_user_string() for key in node.parent_keys),
        "description": node.description,
        "owners": sorted(node.owners),
        "kinds": sorted(node.kinds),
        "partitions": str(node.partitions_def),
        "partition_mappings": {
            key.to_user_string(): str(mapping) for key, mapping in node.partition_mappings.items()
        },
        "backfill_policy": str(node.backfill_policy),
        "automation": repr(node.automation_condition),
        "freshness": str(node.freshness_policy),
        "pools": sorted(node.pools or ()),
        "column_lineage": _lineage(node.metadata.get("dagster/column_lineage")),
    }
    shown = {k: str(v) for k, v in node.metadata.items() if k in ("grain", "primary_key")}
    return {**facts, **shown, "step": _step(node.key, defs)}


def _step(key: dg.AssetKey, defs: dg.Definitions) -> str:
    asset = defs.resolve_assets_def(key)
    return asset.op.name if asset.is_executable else "external"


def _lineage(value: Any) -> dict[str, list[str]]:
    if value is None:
        return {}
    return {
        column: sorted(f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps)
        for column, deps in value.deps_by_column.items()
    }


def _check(spec: Any) -> dict[str, Any]:
    return {"description": spec.description, "blocking": spec.blocking}


def _table(table: Any) -> dict[str, Any]:
    return {
        "grain": table.grain,
        "key": table.key,
        "partition_by": table.partition_by,
        "columns": [f"{c.name} {c.type_name} {c.nullable}: {c.comment}" for c in table.columns],
    }


def _settings() -> Iterator[tuple[str, str]]:
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        required = default is PydanticUndefined
        yield environment_name(name), "required" if required else repr(default)


if __name__ == "__main__":
    DUMP.write_text(dump_of_definitions(), "utf-8")
