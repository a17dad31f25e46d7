"""The sensor that tells a person: failed checks, stale assets, failed runs, and their end."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
from deltalake.exceptions import DeltaError
from pydantic import BaseModel, ConfigDict, ValidationError

from resources.alerts.alert import Alert, Observation, OpenProblems, alerts_of
from resources.alerts.channels import Channel, channels_of
from resources.alerts.delivery import channels_for, deliver, entry_for, send
from resources.alerts.messages import entry as told
from resources.alerts.outbox import AlertOutbox, Entry, Status
from resources.delta.errors import TableError
from resources.storage import StorageError
from video_assets.automation.observations import EventReader
from video_assets.settings.alerts import AlertSettings

SENSOR = "alerts"
INTERVAL_SECONDS = 30
CHECKS_PER_TICK = 1000
RUNS_PER_TICK = 50

_OUT_OF_REACH = (DeltaError, OSError, StorageError, TableError)
_Observe = Callable[[int, dg.EventLogEntry], Iterator[Observation]]


class Position(BaseModel):
    """Where the sensor stands in the event log, kept by Dagster between ticks.

    Attributes:
        checks: id of the last evaluation of a check that was told or needed no telling.
        freshness: likewise of changes of freshness.
        runs: likewise of failed runs.
        sent: alerts behind this position that were sent although the table could not be written.
    """

    model_config = ConfigDict(frozen=True)

    checks: int = -1
    freshness: int = -1
    runs: int = -1
    sent: frozenset[str] = frozenset()

    @classmethod
    def of(cls, cursor: str | None) -> "Position":
        """The position that the last tick left; the beginning, if there is none."""
        try:
            return cls.model_validate_json(cursor) if cursor else cls()
        except ValidationError:
            return cls()


def alert_sensor(warehouse: str, settings: AlertSettings) -> dg.SensorDefinition:
    """Tells every change once, through the channels of the settings or into the log.

    Args:
        warehouse: root of the tables, for the table `alerts`.
        settings: channels, and the address of the UI for links.

    Raises:
        ChannelError: a URL of the settings names no service.
    """
    channels = channels_of(settings)
    outbox = AlertOutbox(warehouse)

    @dg.sensor(
        name=SENSOR,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells failed checks, stale assets and failed runs, once each, and when a "
        "check passes again. Everything told is in the table `alerts`; what a channel did not "
        "take is sent again.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context, outbox, channels, settings.ui_url, datetime.now(UTC))

    return alerts


def tick(
    context: dg.SensorEvaluationContext,
    outbox: AlertOutbox,
    channels: Sequence[Channel],
    ui_url: str,
    now: datetime,
) -> dg.SensorResult:
    """Read the next page of events, record what changed, send what waits."""
    before = Position.of(context.cursor)
    observations, after = _next_page(context, before, ui_url)
    try:
        new = outbox.record(
            lambda known: alerts_of(observations, known), _kept(before, channels, now)
        )
        _log_unsent(context, new)
        sent = deliver(outbox, channels, now)
    except _OUT_OF_REACH as error:
        return _without_table(context, observations, before, channels, error)
    for reason in sorted(set(sent.errors.values())):
        context.log.warning("alerts wait to be sent again, %s", reason)
    return dg.SensorResult(
        skip_reason=f"{len(new)} new alerts, {sent.messages} messages",
        cursor=after.model_dump_json(),
    )


def _next_page(
    context: dg.SensorEvaluationContext, position: Position, ui_url: str
) -> tuple[list[Observation], Position]:
    repository = context.repository_def
    origin = context.code_location_origin
    reader = EventReader(
        instance=context.instance,
        graph=repository.asset_graph if repository else None,
        ui_url=ui_url.rstrip("/"),
        location=origin.location_name if origin else None,
    )
    kind = dg.DagsterEventType
    pages: dict[str, tuple[dg.DagsterEventType, int, _Observe]] = {
        "checks": (kind.ASSET_CHECK_EVALUATION, CHECKS_PER_TICK, reader.check),
        "freshness": (kind.FRESHNESS_STATE_CHANGE, CHECKS_PER_TICK, reader.freshness),
        "runs": (kind.RUN_FAILURE, RUNS_PER_TICK, reader.run_failure),
    }
    observations, read = [], {}
    for name, (event_type, limit, observe) in pages.items():
        # The one query that reads any kind of event of all runs in order, on every storage: the
        # public ones fall back to run by run on SQLite, with ids that repeat.
        events = context.instance.event_log_storage.get_logs_for_all_runs_by_log_id(
            after_cursor=getattr(position, name), dagster_event_type=event_type, limit=limit
        )
        observations += [seen for item in events.items() for seen in observe(*item)]
        read[name] = max(events, default=getattr(position, name))
    return observations, Position(**read)


def _kept(
    position: Position, channels: Sequence[Channel], now: datetime
) -> Callable[[Alert], Entry]:
    """How new alerts are recorded; those that were sent without the table are not sent again."""
    waiting = entry_for(channels)

    def kept(alert: Alert) -> Entry:
        names = [channel.name for channel in channels_for(alert, channels)]
        was_sent = alert.alert_id in position.sent
        return waiting(alert).taken(names, now) if was_sent else waiting(alert)

    return kept


def _log_unsent(context: dg.SensorEvaluationContext, entries: Sequence[Entry]) -> None:
    for new in entries:
        if new.status is Status.LOGGED:
            context.log.warning("ALERT %s %s", new.alert.severity, told(new.alert))


def _without_table(
    context: dg.SensorEvaluationContext,
    observations: Sequence[Observation],
    before: Position,
    channels: Sequence[Channel],
    error: Exception,
) -> dg.SensorResult:
    """Send at once, stay at this place in the event log, and remember what was sent.

    The warehouse being out of reach is itself why runs fail: people must hear of it. Without the
    table nothing is known of earlier problems, so that only new failures are told.
    """
    context.log.error("the table alerts cannot be used, alerts are sent without it: %s", error)
    nothing: OpenProblems = {}
    changes = alerts_of(observations, nothing)
    new = [entry_for(channels)(a) for a in changes if a.alert_id not in before.sent]
    _log_unsent(context, new)
    sent = send(new, channels)
    now = datetime.now(UTC)
    settled = [sent.settled(entry, channels, now) for entry in new]
    done = {e.alert.alert_id for e in settled if e.status is not Status.PENDING}
    return dg.SensorResult(
        skip_reason=f"the table alerts cannot be used; {sent.messages} messages",
        cursor=before.model_copy(update={"sent": before.sent | done}).model_dump_json(),
    )
