"""Runs in this process that the UI shows as those of a code location."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_assets(  # noqa: PLR0913 (each names a part of one launch)
    defs: dg.Definitions,
    keys: Sequence[dg.AssetKey],
    instance: dg.DagsterInstance,
    *,
    workspace: Path,
    tags: Mapping[str, str],
    run_id: str | None = None,
) -> None:
    """Materialize assets together, as a launch from the UI does; nothing is logged.

    A run in memory belongs to no code location, and the timeline leaves it out.

    Args:
        defs: what exists.
        keys: the assets.
        instance: keeps the run.
        workspace: the `workspace.yaml` whose only code location the definitions are.
        tags: which partitions, as Dagster tags them.
        run_id: of the new run; None draws one.

    Raises:
        Exception: what a step raised.
    """
    job = defs.resolve_implicit_global_asset_job_def()
    (location,) = location_origins_from_yaml_paths([str(workspace)])
    repository = RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME)
    run = instance.create_run_for_job(
        job,
        run_id=run_id or str(uuid4()),
        run_config=_QUIET,
        tags=tags,
        asset_selection=frozenset(keys),
        remote_job_origin=RemoteJobOrigin(repository, job.name),
    )
    execute_run(InMemoryJob(job), run, instance, raise_on_error=True)
