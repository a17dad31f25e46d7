"""Which engagement rows a run computes anew, and which it keeps."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from deltalake import DeltaTable

from resources.delta.changes import ChangedFiles, changed_files, origin_of
from resources.delta.staging import table_location
from resources.delta.volume import opened, rows_per_day
from video_assets.schemas import ENGAGEMENT, SESSIONS
from video_assets.settings import Settings
from video_assets.watch_time.rules import WatchTimeRules

# Raise it when the code makes other rows of the same sessions: stored rows are then not kept.
REVISION = 1
# Keeping a row costs about half of computing it.
LARGEST_SHARE_CHANGED = 0.5

_VERSION = "sessionsVersion"


@dataclass(frozen=True)
class Refresh:
    """What to do in one run.

    Attributes:
        changed: files of `sessions` that came or went since the stored rows were computed; None:
            all rows are computed.
        reason: why, for the log.
        origin: what the table is computed from after this run, for the next one.
    """

    changed: ChangedFiles | None
    reason: str
    origin: Mapping[str, str]


def planned_refresh(settings: Settings) -> Refresh:
    """Compare what `sessions` holds with what the stored engagement rows were computed from.

    The version of `sessions` is told before its rows are read: rows that come in between are
    computed by this run or the next, and never missed.
    """
    sessions = opened(settings.warehouse, SESSIONS)
    engagement = opened(settings.warehouse, ENGAGEMENT)
    if sessions is None:
        return Refresh(None, "there are no sessions yet", {})
    origin = _origin(sessions, settings.rules)
    if settings.engagement_refresh == "all":
        return Refresh(None, "the settings ask for it", origin)
    if engagement is None:
        return Refresh(None, "the table is new", origin)
    stored = origin_of(engagement)
    if stored is None or {**stored, _VERSION: ""} != {**origin, _VERSION: ""}:
        return Refresh(None, "the stored rows have another origin or other rules", origin)
    return _since(int(stored[_VERSION]), sessions, settings, origin)


def _since(
    version: int, sessions: DeltaTable, settings: Settings, origin: Mapping[str, str]
) -> Refresh:
    location = table_location(settings.warehouse, SESSIONS)
    changed = changed_files(location, sessions, version)
    if changed is None:
        return Refresh(None, f"version {version} of sessions cannot be read any more", origin)
    all_rows = sum(rows_per_day(SESSIONS, sessions).values())
    if changed.rows > LARGEST_SHARE_CHANGED * all_rows:
        reason = f"{changed.rows:,} changed rows beside {all_rows:,} are too many to go by"
        return Refresh(None, reason, origin)
    return Refresh(changed, f"{changed.rows:,} of {all_rows:,} session rows changed", origin)


def _origin(sessions: DeltaTable, rules: WatchTimeRules) -> dict[str, str]:
    columns = ENGAGEMENT.arrow_schema.to_string()
    code = f"{REVISION} {rules.model_dump_json()} {columns}"
    return {
        _VERSION: str(sessions.version()),
        "sessionsTable": str(sessions.metadata().id),
        "rules": hashlib.sha256(code.encode()).hexdigest()[:16],
    }
