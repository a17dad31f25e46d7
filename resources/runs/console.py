"""What a run or a command says in a terminal: sentences, without the engine's pages around them."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType

import dagster as dg
from dagster._core.definitions.asset_selection import DagsterInvalidAssetSelectionError
from dagster._core.errors import DagsterUnknownPartitionError
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.log_manager import get_log_record_metadata, has_log_record_metadata
from dagster_shared.check import CheckError
from dagster_shared.error import SerializableErrorInfo

LONGEST_REASON = 1_500
_LABELS = {logging.WARNING: "warning: ", logging.ERROR: "error: ", logging.CRITICAL: "error: "}
# What Dagster says of steps behind a failed one, and of checks that a step left out.
_NOT_SAID = ("Dependencies for step ", "op '")
_REFUSALS = (
    dg.DagsterInvalidSubsetError,
    DagsterInvalidAssetSelectionError,
    DagsterUnknownPartitionError,
    CheckError,
)
_INVARIANT = "Failure condition: "


def speak_in_sentences(log: dg.DagsterLogManager) -> None:
    """Shorten what a run's log prints; what it stores stays as it is."""
    for handler in (handler for logger in _printers(log) for handler in logger.handlers):
        handler.setFormatter(_Sentence(datefmt="%H:%M:%S"))
        handler.addFilter(_is_said)


def print_failed_check(log: dg.DagsterLogManager, event: dg.DagsterEvent) -> None:
    """Print what the log stores without printing it: that a check failed, and why."""
    if event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return
    found = event.asset_check_evaluation_data
    if found.passed:
        return
    is_error = found.severity is dg.AssetCheckSeverity.ERROR
    problem = found.description or f"{found.asset_key.path[-1]} failed"
    for printer in _printers(log):
        level = logging.ERROR if is_error else logging.WARNING
        printer.log(level, "%s", f"check {found.check_name}: {problem}")


def end_commands_with_a_sentence(
    ours: tuple[type[Exception], ...], explain: Callable[[str, list[str]], str]
) -> None:
    """Let a command that a person mistyped end with what is wrong, not with a stack trace.

    Args:
        ours: errors whose message says it.
        explain: makes it of the message of an error of Dagster's own, and the command's arguments.
    """

    def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, ours):
            text = str(error)
        elif isinstance(error, _REFUSALS):
            text = explain(str(error).removeprefix(_INVARIANT), sys.argv[1:])
        else:
            sys.__excepthook__(kind, error, trace)
            return
        sys.stderr.write(f"Error: {text}\n")

    sys.excepthook = say


def reason(error: SerializableErrorInfo) -> str:
    """What a step raised, without Dagster's error around it.

    Where no Dagster home keeps the run, with its stack trace.
    """
    cause = error.cause or error
    kind, colon, sentence = cause.message.strip().partition(": ")
    is_named = colon and kind.rpartition(".")[2] == cause.cls_name
    text = sentence if is_named and cause.cls_name else cause.message.strip()
    if len(text) > LONGEST_REASON:
        text = f"{text[:LONGEST_REASON]} ..."
    return text if os.environ.get("DAGSTER_HOME") else "\n".join((text, *cause.stack))


class _Sentence(logging.Formatter):
    """The time and what is said; of a failed step its reason, of a failed run where to look."""

    def format(self, record: logging.LogRecord) -> str:
        said = _said(record) if has_log_record_metadata(record) else record.getMessage()
        return f"{self.formatTime(record, self.datefmt)} {_LABELS.get(record.levelno, '')}{said}"


def _said(record: logging.LogRecord) -> str:
    metadata = get_log_record_metadata(record)
    event = metadata["dagster_event"]
    if event is None:
        return _named(metadata["orig_message"], metadata["step_key"])
    if event.event_type == dg.DagsterEventType.RUN_FAILURE:
        if not os.environ.get("DAGSTER_HOME"):
            return "the run failed"
        return f"the run failed; its whole log is in the UI: Runs, {metadata['run_id']}"
    if isinstance(event.event_specific_data, StepFailureData):
        error = event.event_specific_data.error
        return f"{_plain(event.step_key)} failed: {reason(error) if error else event.message}"
    return event.message or str(event.event_type_value)


def _named(message: str, step: str | None) -> str:
    """A message that begins with a name, or else with that of its step."""
    first, _, _ = message.partition(" ")
    return message if step is None or first.endswith(":") else f"{_plain(step)}: {message}"


def _plain(step: str | None) -> str:
    return (step or "run").rpartition("__")[2]


def _printers(log: dg.DagsterLogManager) -> Sequence[logging.Logger]:
    printers: Sequence[logging.Logger] = log._dagster_handler._loggers  # noqa: SLF001
    return printers


def _is_said(record: logging.LogRecord) -> bool:
    # A home says how much is printed; without one Dagster prints every event.
    if record.levelno < logging.INFO and not os.environ.get("DAGSTER_HOME"):
        return False
    if not has_log_record_metadata(record):
        return True
    return not get_log_record_metadata(record)["orig_message"].startswith(_NOT_SAID)
