"""The table `alerts`: an alert waits in it until every channel took it, and stays as its history.

Dagster's daemon runs once, so nothing here is locked. Of two commits at the same moment, one fails
and its alerts are recorded at the next tick.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from resources.alerts.alert import Alert, Kind, Severity, State
from resources.delta.commit import ensure_table
from resources.delta.stage import table_location
from resources.delta.table import Table
from resources.storage import provider, storage_options

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=30)
_FILES_TO_COMPACT = 50
_ONE_WRITER = "alerts"
# A tick must end long before Dagster gives it up: better no table than a long wait for it.
_IMPATIENT = {"timeout": "5s", "connect_timeout": "3s", "max_retries": "1", "retry_timeout": "6s"}


class Status(StrEnum):
    """What became of an alert."""

    PENDING = "pending"
    DELIVERED = "delivered"
    LOGGED = "logged"


@dataclass(frozen=True)
class Entry:
    """An alert, and how far its delivery is; the fields are columns of the table."""

    alert: Alert
    status: Status
    delivered_to: tuple[str, ...] = ()
    delivered_at: datetime | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_error: str | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now."""
        is_time = self.next_attempt_at is None or self.next_attempt_at <= now
        return self.status is Status.PENDING and is_time

    def taken(self, channels: Iterable[str], now: datetime) -> "Entry":
        """After every channel that it is for took it; logged only, when none is set any more."""
        delivered_to = tuple(dict.fromkeys((*self.delivered_to, *channels)))
        return replace(
            self,
            status=Status.DELIVERED if delivered_to else Status.LOGGED,
            delivered_to=delivered_to,
            delivered_at=now,
            attempts=self.attempts + 1,
            next_attempt_at=None,
            last_error=None,
        )

    def refused(self, taken_by: Iterable[str], error: str, now: datetime) -> "Entry":
        """After a channel did not take it: it is tried again, after longer and longer pauses."""
        pause = min(_FIRST_PAUSE * 2 ** min(self.attempts, 10), _LONGEST_PAUSE)
        return replace(
            self,
            delivered_to=tuple(dict.fromkeys((*self.delivered_to, *taken_by))),
            attempts=self.attempts + 1,
            next_attempt_at=now + pause,
            last_error=error,
        )


class AlertOutbox:
    """The table `alerts` below a warehouse; it is made when the first alert is recorded."""

    def __init__(self, warehouse: str, table: Table) -> None:
        """Use the declared table below `warehouse`, a path or URI; see `alerts_table`."""
        self._table = table
        self._location = table_location(warehouse, table)

    def alerts(self) -> list[Alert]:
        """Every alert ever recorded, without its texts."""
        table = self._open()
        if table is None:
            return []
        rows = pa.table(table.scan(columns=_WITHOUT_TEXTS).read_all()).to_pylist()
        return [_alert_of({"problem": "", "details": [], **row}) for row in rows]

    def waiting(self, now: datetime) -> list[Entry]:
        """The alerts that are to be sent now."""
        table = self._open()
        if table is None:
            return []
        rows = table.scan(predicate=f"status = '{Status.PENDING}'").read_all()
        entries = [_entry_of(row) for row in pa.table(rows).to_pylist()]
        return [entry for entry in entries if entry.is_due(now)]

    def record(self, entries: Sequence[Entry]) -> None:
        """Add these alerts, or replace what is recorded of them, in one commit.

        Raises:
            CommitFailedError: somebody else recorded at the same moment; nothing was changed.
            SchemaMismatchError: the table that is there is another one.
        """
        if not entries:
            return
        table = ensure_table(self._location, self._table)
        rows = pa.Table.from_pylist([_row(e) for e in entries], schema=self._table.arrow_schema)
        table.merge(
            rows,
            "known.alertId = new.alertId",
            source_alias="new",
            target_alias="known",
            commit_properties=CommitProperties(
                app_transactions=[Transaction(_ONE_WRITER, table.version() + 1)]
            ),
        ).when_matched_update_all().when_not_matched_insert_all().execute()
        self._tidy_up()

    def _open(self) -> DeltaTable | None:
        options = storage_options(self._location)
        if provider(self._location) != "local":
            options |= _IMPATIENT
        try:
            return DeltaTable(self._location, storage_options=options)
        except TableNotFoundError:
            return None

    def _tidy_up(self) -> None:
        table = self._open()
        if table is not None and len(table.file_uris()) > _FILES_TO_COMPACT:
            with suppress(CommitFailedError):  # somebody else writes: another time
                table.optimize.compact()
                table.vacuum(dry_run=False)


_ALERT_COLUMNS = {
    "alert_id": "alertId",
    "state": "state",
    "kind": "kind",
    "subject": "subject",
    "severity": "severity",
    "partitions": "partitions",
    "problem": "problem",
    "details": "details",
    "at": "raisedAt",
    "event_id": "eventId",
    "run_id": "runId",
    "asset": "asset",
    "check": "checkName",
}
# Enough to tell which problems are open; the texts are the bulk of the table.
_WITHOUT_TEXTS = [name for name in _ALERT_COLUMNS.values() if name not in ("problem", "details")]


def _row(entry: Entry) -> dict[str, Any]:
    alert = entry.alert
    return {
        **{column: getattr(alert, field) for field, column in _ALERT_COLUMNS.items()},
        "status": entry.status,
        "deliveredTo": entry.delivered_to,
        "deliveredAt": entry.delivered_at,
        "attempts": entry.attempts,
        "nextAttemptAt": entry.next_attempt_at,
        "lastError": entry.last_error,
    }


def _alert_of(row: Mapping[str, Any]) -> Alert:
    values = {field: row[column] for field, column in _ALERT_COLUMNS.items()}
    typed = {
        "state": State(row["state"]),
        "kind": Kind(row["kind"]),
        "severity": Severity(row["severity"]),
        "partitions": tuple(row["partitions"]),
        "details": tuple(row["details"]),
    }
    return Alert(**{**values, **typed})


def _entry_of(row: Mapping[str, Any]) -> Entry:
    return Entry(
        alert=_alert_of(row),
        status=Status(row["status"]),
        delivered_to=tuple(row["deliveredTo"] or ()),
        delivered_at=row["deliveredAt"],
        attempts=row["attempts"],
        next_attempt_at=row["nextAttemptAt"],
        last_error=row["lastError"],
    )
