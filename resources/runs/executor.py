"""All steps of a run in one process, which frees what dead runs hold and waits without silence."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import dagster as dg
from dagster._core.definitions.executor_definition import IN_PROC_CONFIG
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._utils.interrupts import pop_captured_interrupt

from resources.runs.console import print_failed_check, speak_in_sentences
from resources.runs.liveness import alive, free_dead_runs

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_CLEANUPS = 5.0
SECONDS_BETWEEN_MESSAGES = 60.0
_INTERRUPTED = 130
_PARTITION_TAGS = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)


@dg.executor(name="in_process", config_schema=IN_PROC_CONFIG)
def one_process_executor(context: dg.InitExecutorContext) -> "OneProcessExecutor":
    """Dagster's in-process executor, which a killed run does not hold up."""
    [mode] = cast("dict[str, str]", context.executor_config["retries"])
    return OneProcessExecutor(RetryMode(mode))


class OneProcessExecutor(InProcessExecutor):
    """Frees what dead runs hold before its first step and while it waits for a pool."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        """Run the steps one after the other."""
        instance = plan_context.instance
        speak_in_sentences(plan_context.log)
        steps = EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute)
        with alive(instance, plan_context.run_id), _quick_exit_after_interrupt():
            for run_id in free_dead_runs(instance):
                yield _note(plan_context, f"Run {run_id} was dead: it holds nothing any more.")
            yield _note(plan_context, f"Executing steps in process (pid: {os.getpid()})", steps)
            yield from ExecuteRunWithPlanIterable(
                execution_plan=plan_context.execution_plan,
                iterator=_steps,
                execution_context_manager=PlanExecutionContextManager(
                    job=plan_context.job,
                    retry_mode=plan_context.retry_mode,
                    execution_plan=plan_context.execution_plan,
                    run_config=plan_context.run_config,
                    dagster_run=plan_context.dagster_run,
                    instance=instance,
                    raise_on_error=plan_context.raise_on_error,
                    output_capture=plan_context.output_capture,
                    step_dependency_config=self.step_dependency_config,
                ),
            )
            yield _note(plan_context, f"Finished steps in process (pid: {os.getpid()})", steps)


def _note(
    context: PlanOrchestrationContext, message: str, data: EngineEventData | None = None
) -> DagsterEvent:
    data = data or EngineEventData()
    return DagsterEvent.engine_event(context, message, event_specific_data=data)


@contextmanager
def _quick_exit_after_interrupt() -> Iterator[None]:
    """After an interrupt let the process end without its threads.

    Python code that the engine's threads run cannot be interrupted; to wait for it takes minutes,
    and the embedded engine aborts where it goes on without the interpreter. By then Dagster has
    recorded the end of the run, and what the tasks wrote is named by no commit.
    """
    try:
        yield
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        # The only callbacks that run before Python waits for other threads.
        threading._register_atexit(_exit)  # type: ignore[attr-defined]  # noqa: SLF001
        raise


def _exit() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(_INTERRUPTED)


def _steps(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan
) -> Iterator[DagsterEvent]:
    speak_in_sentences(job_context.log)
    with _Pools(job_context) as pools:
        for event in inner_plan_execution_iterator(job_context, execution_plan, pools):
            print_failed_check(job_context.log, event)
            yield event


class _Pools(InstanceConcurrencyContext):
    """Claims pool slots; says for whom it waits, and stops waiting when it is interrupted."""

    def __init__(self, job_context: PlanExecutionContext) -> None:
        super().__init__(job_context.instance, job_context.dagster_run)
        self._log = job_context.log
        self._next_cleanup = 0.0
        self._next_message: dict[str, float] = {}

    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        """Whether the step may start; Dagster asks again and again until it may."""
        if super().claim(concurrency_key, step_key, step_priority):
            return True
        if pop_captured_interrupt():
            raise DagsterExecutionInterruptedError
        self._free_dead_runs()
        self._say_for_whom(concurrency_key, step_key)
        return False

    def interval_to_next_pending_claim_check(self) -> float:
        """Seconds to sleep: short, because an interrupt does not end a sleep of Dagster's."""
        return SECONDS_BETWEEN_LOOKS

    def _free_dead_runs(self) -> None:
        now = time.monotonic()
        if now < self._next_cleanup:
            return
        self._next_cleanup = now + SECONDS_BETWEEN_CLEANUPS
        if freed := free_dead_runs(self._instance):
            self._log.warning("freed what dead runs held: %s", ", ".join(freed))
            self._pending_timeouts.update(dict.fromkeys(self._pending_timeouts, 0.0))

    def _say_for_whom(self, pool: str, step_key: str) -> None:
        now = time.monotonic()
        if now < self._next_message.get(step_key, 0.0):
            return
        self._next_message[step_key] = now + SECONDS_BETWEEN_MESSAGES
        info = self._instance.event_log_storage.get_concurrency_info(pool)
        holders = [self._described(slot.run_id) for slot in info.claimed_slots]
        self._log.warning(
            "%s waits for the pool %s, which is held by %s; it starts when that is done",
            step_key,
            pool,
            ", ".join(holders) or "nobody now",
        )

    def _described(self, run_id: str) -> str:
        record = self._instance.get_run_record_by_id(run_id)
        if record is None:
            return f"run {run_id}"
        run, started = record.dagster_run, record.start_time or time.time()
        partitions = [run.tags[tag] for tag in _PARTITION_TAGS if tag in run.tags]
        days = f" of {' to '.join(partitions)}" if partitions else ""
        minutes = (time.time() - started) / 60
        return f"run {run_id} ({run.job_name}{days}, started {minutes:.0f} min ago)"
