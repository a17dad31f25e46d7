"""The account of a source as it is stored: read, and changed in one commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from resources.delta.commit import ATTEMPTS, ensure_table
from resources.delta.warehouse import Warehouse
from video_assets.deliveries.account import Account, DayFates, FileVersion, Key
from video_assets.deliveries.tables import DECIDED, SOURCE_FILES
from video_assets.sources.fates import Fate

_SAME_VERSION = "old.source = new.source AND old.path = new.path AND old.version = new.version"
_COUNTS = {"rowCount", "waitingRows", *(f"{fate}Rows" for fate in DECIDED)}
_READ = [name for name in SOURCE_FILES.column_names if name not in _COUNTS]
_WAIT = wait_random_exponential(multiplier=0.1, max=10)

Change = Callable[[Account], Account]


def unchanged(account: Account) -> Account:
    """The account as it is."""
    return account


@dataclass(frozen=True)
class StoredAccount:
    """An account as it was read.

    Attributes:
        account: the account.
        version: of the table; -1: there is none.
    """

    account: Account
    version: int


def stored_account(warehouse: str, source: str, read_as: str) -> StoredAccount:
    """The account of a source; empty where nothing was ever delivered.

    Args:
        warehouse: root of the tables.
        source: the source's name in the table.
        read_as: fingerprint of the settings that tell a row's day now.
    """
    log = Warehouse(warehouse).log(SOURCE_FILES)
    if log is None:
        return StoredAccount(Account({}, read_as), -1)
    return StoredAccount(Account(_versions(log, source), read_as), log.version())


def change_account(
    warehouse: str, source: str, read_as: str, change: Change, read: StoredAccount | None = None
) -> Account:
    """Change the account of a source, and store the versions that are not as they were.

    Where another writer came between, the change is made again of what that one left.

    Args:
        warehouse: root of the tables.
        source: the source's name in the table.
        read_as: fingerprint of the settings that tell a row's day now.
        change: from the account that is there to the one that shall be; may be called again.
        read: the account as the caller read it; read again where it is another one now.

    Raises:
        CommitFailedError: other writers came between each time.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(CommitFailedError),
        wait=_WAIT,
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )
    return retrying(_change_once, warehouse, source, read_as, change, read)


def _change_once(
    warehouse: str, source: str, read_as: str, change: Change, read: StoredAccount | None
) -> Account:
    table = ensure_table(Warehouse(warehouse).location(SOURCE_FILES), SOURCE_FILES)
    is_same = read is not None and read.version == table.version()
    before = read.account if read and is_same else Account(_versions(table, source), read_as)
    after = change(before)
    changed = {k: v for k, v in after.versions.items() if before.versions.get(k) != v}
    if changed:
        rows = [_row(source, key, version) for key, version in changed.items()]
        table.merge(
            pa.Table.from_pylist(rows, schema=SOURCE_FILES.arrow_schema),
            _SAME_VERSION,
            source_alias="new",
            target_alias="old",
        ).when_matched_update_all().when_not_matched_insert_all().execute()
    return after


def _versions(table: DeltaTable, source: str) -> dict[Key, FileVersion]:
    """The versions of a source; the columns of counts follow from the others."""
    rows: list[dict[str, Any]] = pa.table(table.scan(columns=_READ).read_all()).to_pylist()
    of_source = (row for row in rows if row["source"] == source)
    return {Key(row["path"], row["version"]): _version(row) for row in of_source}


def _version(row: Mapping[str, Any]) -> FileVersion:
    days = row["rowsByDay"]
    return FileVersion(
        size=row["size"],
        first_seen=row["firstSeenAt"],
        read_as=row["readAs"],
        read=row["readAt"],
        vanished=row["vanishedAt"],
        rows=None if days is None else {day["date"]: day["rows"] for day in days},
        fates={day["date"]: _fates(day) for day in row["fatesByDay"] or ()},
    )


def _fates(day: Mapping[str, Any]) -> DayFates:
    return DayFates({fate: day[fate] for fate in DECIDED if day[fate]}, day["commit"])


def _row(source: str, key: Key, version: FileVersion) -> dict[str, Any]:
    counts = {f"{fate}Rows": version.rows_of(fate) for fate in DECIDED}
    rows, waiting = version.rows, version.waiting
    return {
        "source": source,
        "path": key.path,
        "version": key.version,
        "size": version.size,
        "firstSeenAt": version.first_seen,
        "readAt": version.read,
        "rowCount": None if rows is None else sum(rows.values()),
        **counts,
        "waitingRows": waiting,
        "rowsByDay": None if rows is None else _as_list(rows),
        "fatesByDay": [_fates_row(day, version.fates[day]) for day in sorted(version.fates)],
        "vanishedAt": version.vanished,
        "readAs": version.read_as,
    }


def _as_list(rows: Mapping[date, int]) -> list[dict[str, Any]]:
    return [{"date": day, "rows": rows[day]} for day in sorted(rows)]


def _fates_row(day: date, fates: DayFates) -> dict[str, Any]:
    rows = {str(fate): fates.rows.get(Fate(fate), 0) for fate in DECIDED}
    return {"date": day, **rows, "commit": fates.commit}
