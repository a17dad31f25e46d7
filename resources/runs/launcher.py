"""Dagster's default launcher, which also notices that the process of a run is gone."""

import time
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster_shared.serdes import deserialize_value

from resources.runs.liveness import free_dead_runs, is_alive

PATIENCE_SECONDS = 60.0


class WatchfulRunLauncher(DefaultRunLauncher):
    """Starts runs as `DefaultRunLauncher` does; the monitoring daemon asks it whether they live.

    A run of this Dagster home holds a lock. Another one is looked for on the code server that
    started it; a server that does not answer for a minute is gone with its runs. Command-line runs
    of other Dagster homes are left alone.
    """

    def __init__(self, inst_data: Any = None) -> None:
        """Begin with no server that is silent."""
        super().__init__(inst_data)
        self._silent_since: dict[str, float] = {}

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster's own says no, and such runs stay STARTED for ever."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process lives."""
        if run.run_id in free_dead_runs(self._instance):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process is gone")
        if is_alive(self._instance, run.run_id) or self._server_knows(run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server does not know it")

    def _server_knows(self, run_id: str) -> bool:
        client = self._get_grpc_client_for_termination(run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return True
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), 5)
        except DagsterUserCodeUnreachableError:
            now = time.monotonic()
            return now - self._silent_since.setdefault(run_id, now) < PATIENCE_SECONDS
        self._silent_since.pop(run_id, None)
        return bool(deserialize_value(answer, CanCancelExecutionResult).can_cancel)
