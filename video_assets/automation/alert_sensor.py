"""The sensor that tells a person: failed checks, stale assets, failed runs, and their end."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
from deltalake.exceptions import DeltaError
from pydantic import BaseModel, ConfigDict, ValidationError

from resources.alerts.alert import Alert, Observation, alerts_of, still_open
from resources.alerts.channels import Channel, channels_of
from resources.alerts.delivery import Delivery, deliver, names_for, new_entry
from resources.alerts.messages import in_a_line
from resources.alerts.outbox import AlertOutbox, Entry, Status
from resources.delta.errors import TableError
from resources.storage import StorageError
from video_assets.automation.observations import EventReader
from video_assets.settings.alerts import AlertSettings
from video_assets.tables import ALERTS

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
    outbox = AlertOutbox(warehouse, ALERTS)

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
    """Read the next page of events, send what is new or waits, record what became of it.

    The cursor moves on only after the record: whatever dies before, the next tick reads the same
    events, makes the same alerts by the same ids, and sends them again. So everything arrives at
    least once, and is recorded once. When the table is out of reach, which is itself why runs
    fail, people hear of it all the same: the cursor stays, and remembers what was sent.
    """
    before = Position.of(context.cursor)
    observations, after = _next_page(context, before, ui_url)
    known, waiting, error = _recorded(outbox, now)
    changes = alerts_of(observations, still_open(known))
    recorded = {alert.alert_id for alert in known}
    new = [new_entry(a, channels) for a in changes if a.alert_id not in recorded]
    _log_unsent(context, new, before)
    settled, delivery = _settled([*waiting, *new], before, channels, now)
    for reason in sorted(set(delivery.errors.values())):
        context.log.warning("alerts wait to be sent again, %s", reason)
    try:
        if error is None:
            outbox.record(settled)
    except _OUT_OF_REACH as failure:
        error = failure
    if error is not None:
        context.log.error("the table alerts cannot be used, alerts are sent without it: %s", error)
        done = {e.alert.alert_id for e in settled if e.status is not Status.PENDING}
        after = before.model_copy(update={"sent": before.sent | done})
    return dg.SensorResult(
        skip_reason=f"{len(new)} new alerts, {delivery.messages} messages",
        cursor=after.model_dump_json(),
    )


def _recorded(
    outbox: AlertOutbox, now: datetime
) -> tuple[list[Alert], list[Entry], Exception | None]:
    """All alerts and those to send now; none, and why, when the table is out of reach."""
    try:
        return outbox.alerts(), outbox.waiting(now), None
    except _OUT_OF_REACH as error:
        return [], [], error


def _settled(
    entries: Sequence[Entry], before: Position, channels: Sequence[Channel], now: datetime
) -> tuple[list[Entry], Delivery]:
    """The entries after they were sent; those sent while the table was away are not sent again."""
    done = [
        entry.taken(names_for(entry.alert, channels), now)
        for entry in entries
        if entry.alert.alert_id in before.sent
    ]
    unsent = [entry for entry in entries if entry.alert.alert_id not in before.sent]
    logged = [entry for entry in unsent if entry.status is Status.LOGGED]
    sent, delivery = deliver([e for e in unsent if e.status is Status.PENDING], channels, now)
    return [*done, *logged, *sent], delivery


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


def _log_unsent(
    context: dg.SensorEvaluationContext, entries: Sequence[Entry], before: Position
) -> None:
    for new in entries:
        if new.status is Status.LOGGED and new.alert.alert_id not in before.sent:
            context.log.warning("ALERT %s %s", new.alert.severity, in_a_line(new.alert))
