"""Which engagement rows a run computes anew, and which it keeps."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from deltalake import DeltaTable

from resources.delta.changes import ChangedFiles
from resources.delta.warehouse import Warehouse
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.settings import Settings

# Raise it when the code makes other rows of the same sessions: stored rows are then not kept.
REVISION = 2
# Keeping a row costs about half of computing it.
LARGEST_SHARE_CHANGED = 0.5

_VERSION = "sessionsVersion"
_COMMIT = "sessionsCommit"
_WHICH_ROWS = {_VERSION: "", _COMMIT: ""}


@dataclass(frozen=True)
class Refresh:
    """What to do in one run.

    Attributes:
        reason: why, for the log.
        rows: session rows there are.
        origin: what the table is computed from after this run, for the next one.
        changed: files of `sessions` whose rows changed since the stored rows were computed; None:
            all rows are computed.
    """

    reason: str
    rows: int = 0
    origin: Mapping[str, str] = field(default_factory=dict)
    changed: ChangedFiles | None = None


def planned_refresh(settings: Settings) -> Refresh:
    """Compare what `sessions` holds with what the stored engagement rows were computed from.

    The version of `sessions` is told before its rows are read: rows that come in between are
    computed by this run or the next, and never missed.
    """
    stored = Warehouse(settings.warehouse).snapshot()
    sessions = stored.log(SESSIONS)
    if sessions is None:
        return Refresh("there are no sessions yet")
    rows = stored.row_count(SESSIONS)
    origin = _origin(sessions, stored.commit_digest(SESSIONS, sessions.version()), settings)
    plan = partial(Refresh, rows=rows, origin=origin)
    known = stored.origin(ENGAGEMENT)
    if settings.engagement_refresh == "all":
        return plan("the settings ask for it")
    if known is None:
        return plan("no stored rows tell what they were computed from")
    if {**known, **_WHICH_ROWS} != {**origin, **_WHICH_ROWS} or _COMMIT not in known:
        return plan("the stored rows have another origin or other rules")
    changed = stored.changed_files(SESSIONS, int(known[_VERSION]), known[_COMMIT])
    return plan(_in_words(changed, rows), changed=changed if _is_small(changed, rows) else None)


def _is_small(changed: ChangedFiles | None, rows: int) -> bool:
    return changed is not None and changed.rows <= LARGEST_SHARE_CHANGED * rows


def _in_words(changed: ChangedFiles | None, rows: int) -> str:
    if changed is None:
        return "the version of sessions that the stored rows were computed from cannot be read"
    return f"{changed.rows:,} changed rows beside {rows:,} session rows"


def _origin(sessions: DeltaTable, digest: str, settings: Settings) -> dict[str, str]:
    columns = ENGAGEMENT.arrow_schema.to_string()
    has_dimensions = bool(settings.events_dimensions)
    code = f"{REVISION} {settings.rules.model_dump_json()} {columns} {has_dimensions}"
    return {
        _VERSION: str(sessions.version()),
        _COMMIT: digest,
        "sessionsTable": str(sessions.metadata().id),
        "rules": hashlib.sha256(code.encode()).hexdigest()[:16],
    }
