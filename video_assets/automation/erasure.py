"""The job `erase_users`: a person leaves every table, every old version and every record."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from pydantic import Field

from resources.delta.erasure import (
    delete_where_equal,
    delete_where_text_holds,
    forget_past,
    occurrences,
    whole_words,
)
from resources.delta.warehouse import Warehouse
from resources.runs.liveness import alive
from resources.runs.redaction import files_with, redact_home
from resources.storage import find, normalized
from video_assets.analytics.tables import ANALYTICS_TABLES, DAILY_ANALYTICS_TABLES
from video_assets.catalog import RANGE_TAGS, asset_key
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.erased_users import note_erased, pseudonyms_of
from video_assets.player_events.tables import REJECTED_EVENTS, USER_ALIASES
from video_assets.player_events.user_aliases import erase_aliases, with_own_aliases
from video_assets.report.addresses import report_location
from video_assets.report.assets import KEY as REPORT
from video_assets.settings import Settings
from video_assets.tables import ALERTS, ALL_TABLES

JOB = "erase_users"
_RECOMPUTES = "erase_users_recomputes"
_USER = "userId"
_SECONDS_BETWEEN_LOOKS = 2.0
# What stands beside the columns `userId`: texts that may hold an id.
_TEXTS = {
    REJECTED_EVENTS.name: "coalesce(\"rowText\", '')",
    ALERTS.name: "concat(\"problem\", ' ', array_to_string(\"details\", ' '))",
}

Recompute = Callable[[dg.DagsterInstance], None]


class ErasureError(RuntimeError):
    """Something of a person is left, or nobody was named; the message says where."""


class EraseUsersConfig(dg.Config):
    """Whom to erase: ids, or a file with one id a line."""

    user_ids: list[str] = Field(default_factory=list)
    user_ids_file: str = ""


def erasure_job(recompute: Recompute) -> dg.JobDefinition:
    """The job.

    Args:
        recompute: materializes what is computed from the sessions.
    """

    @dg.op(
        name=JOB,
        description="Removes people from every table, its old versions and Dagster's records, and "
        "notes keyed hashes of their ids, so that no later run brings them back.",
        out=dg.Out(dg.Nothing),
    )
    def erase_users(
        context: dg.OpExecutionContext,
        config: EraseUsersConfig,
        settings: dg.ResourceParam[Settings],
    ) -> None:
        people, pseudonyms = _users(config), pseudonyms_of(settings)
        named = [*people, *map(pseudonyms.of_user, people)] if pseudonyms else people
        note_erased(settings, named)
        users = with_own_aliases(settings, named)
        note_erased(settings, users)
        _wait_for_other_runs(context)
        deleted = dict(_deleted(settings, users))
        recompute(context.instance)
        stored = Warehouse(settings.warehouse)
        for table in ALL_TABLES:
            if stored.holds(table):
                forget_past(stored.location(table), table)
        words, home = whole_words(users), Path(context.instance.root_directory)
        redacted = redact_home(home, words)
        left = [*occurrences(settings.warehouse, users), *files_with(home, words)]
        if left:
            raise ErasureError(
                f"{len(left)} files still hold one of the ids, among them "
                f"{words.sub('erased', ', '.join(left[:5]))}. Run the job again when no other run "
                "or service writes."
            )
        context.add_output_metadata(
            {
                "users": len(people),
                "anonymous ids of theirs": len(users) - len(named),
                **{f"rows deleted from {name}": rows for name, rows in deleted.items()},
                "records redacted in Dagster": redacted,
                "searched afterwards": f"every file of {settings.warehouse} (plain, Parquet "
                f"columns, Delta logs) and of {home}: nothing found",
                **_not_searched(context.instance),
            }
        )

    # Dagster wants other names for a graph and its steps; people type that of the step.
    @dg.graph(name=f"{JOB}_from_everywhere")
    def everywhere() -> None:
        erase_users()

    return everywhere.to_job(
        name=JOB,
        description="Erases people; run it with the config ops: erase_users: config: user_ids: "
        "[...]. Killed half-way, it completes when it is run again.",
    )


def _not_searched(instance: dg.DagsterInstance) -> dict[str, str]:
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        return {}
    return {
        "not searched": "Dagster's history lies in a database server: delete there the runs that "
        "began before this one, and this one, whose config names the people"
    }


def compute_from_sessions(
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec],
    resources: Mapping[str, Any],
    settings: Settings,
    instance: dg.DagsterInstance,
) -> None:
    """Materialize what is computed from the sessions and was there before.

    Args:
        assets: all assets.
        resources: theirs.
        settings: the warehouse.
        instance: where the run is recorded.
    """
    stored = Warehouse(settings.warehouse)
    tables = [table for table in (ENGAGEMENT, *ANALYTICS_TABLES) if stored.holds(table)]
    keys = [asset_key(table) for table in tables]
    # It shows what the others hold, and so comes last.
    report = [REPORT] if find(normalized(report_location(settings.warehouse))) else []
    for selection, tags in [(keys, {}), *_daily_runs(stored), (report, {})]:
        if not selection:
            continue
        job = dg.define_asset_job(_RECOMPUTES, selection)
        defs = dg.Definitions(assets=assets, resources=resources, jobs=[job])
        run_id = str(uuid4())
        # A lock of its own: killed with this process, it holds up no run after it.
        with alive(instance, run_id):
            defs.resolve_job_def(_RECOMPUTES).execute_in_process(
                instance=instance, run_id=run_id, tags=tags
            )


def _daily_runs(stored: Warehouse) -> Iterator[tuple[list[dg.AssetKey], dict[str, str]]]:
    """The tables that are computed by day, and the tags of a run over all of their days."""
    for table in DAILY_ANALYTICS_TABLES:
        if days := sorted(stored.rows_per_day(table)):
            range_of_days = zip(RANGE_TAGS, (str(days[0]), str(days[-1])), strict=True)
            yield [asset_key(table)], dict(range_of_days)


def _users(config: EraseUsersConfig) -> list[str]:
    listed = Path(config.user_ids_file).read_text("utf-8") if config.user_ids_file else ""
    users = {user for user in (*config.user_ids, *map(str.strip, listed.splitlines())) if user}
    if not users:
        raise ErasureError(
            "nobody is named. Give user_ids, or user_ids_file with one id a line, in the config "
            "of the op erase_users."
        )
    return sorted(users)


def _wait_for_other_runs(context: dg.OpExecutionContext) -> None:
    """A run that read its input before the ids were noted would write them again."""
    in_progress = dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)
    told = False
    while others := [
        run for run in context.instance.get_runs(in_progress) if run.run_id != context.run_id
    ]:
        if not told:
            context.log.info("waiting for %d other runs to end", len(others))
            told = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _deleted(settings: Settings, users: Sequence[str]) -> Iterator[tuple[str, int]]:
    stored = Warehouse(settings.warehouse)
    for table in ALL_TABLES:
        if not stored.holds(table):
            continue
        location = stored.location(table)
        if table is USER_ALIASES:
            yield table.name, erase_aliases(settings, users)
        elif _USER in table.column_names:
            yield table.name, delete_where_equal(location, _USER, users)
        elif table.name in _TEXTS:
            yield table.name, delete_where_text_holds(location, _TEXTS[table.name], users)
