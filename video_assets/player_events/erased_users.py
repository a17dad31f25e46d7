"""The table `erased_users`: whom no run may bring back, without saying who they are."""

from collections.abc import Collection
from datetime import UTC, datetime

import pyarrow as pa

from resources.delta.commit import ensure_table
from resources.delta.warehouse import Warehouse
from video_assets.player_events.erased import NOBODY, ErasedUsers, hash_of
from video_assets.player_events.pseudonyms import Pseudonyms
from video_assets.player_events.tables import ERASED_USERS
from video_assets.settings import Settings, SettingsError

_HOW_TO_MAKE_ONE = (
    "Set it to a secret of 32 random bytes (`openssl rand -hex 32`), and keep it: every run needs "
    "it from then on."
)


def erased_users(settings: Settings) -> ErasedUsers:
    """Whom a run leaves out.

    Raises:
        SettingsError: people were erased, and VIDEO_ASSETS_ERASURE_KEY is not the key of then.
    """
    log = Warehouse(settings.warehouse).log(ERASED_USERS)
    if log is None:
        return NOBODY
    rows = pa.table(log.scan(columns=["userHash", "keyCheck"]).read_all())
    if not rows.num_rows:
        return NOBODY
    key = erasure_key(settings)
    if set(rows["keyCheck"].to_pylist()) != {hash_of("", key)}:
        raise SettingsError(
            "VIDEO_ASSETS_ERASURE_KEY is not the key with which users were erased from this "
            "warehouse: a run would bring them back. Set the key of then."
        )
    return ErasedUsers(key, frozenset(map(str, rows["userHash"].to_pylist())))


def note_erased(settings: Settings, users: Collection[str]) -> None:
    """Note people before anything of them is deleted, so that no run brings them back.

    Raises:
        SettingsError: VIDEO_ASSETS_ERASURE_KEY is not set, or not the key of earlier erasures.
    """
    key = erasure_key(settings)
    erased_users(settings)
    now = datetime.now(UTC)
    rows = [
        {"userHash": hash_of(user, key), "keyCheck": hash_of("", key), "erasedAt": now}
        for user in sorted(users)
    ]
    location = Warehouse(settings.warehouse).location(ERASED_USERS)
    ensure_table(location, ERASED_USERS).merge(
        pa.Table.from_pylist(rows, schema=ERASED_USERS.arrow_schema),
        "known.userHash = new.userHash",
        source_alias="new",
        target_alias="known",
    ).when_not_matched_insert_all().execute()


def erasure_key(settings: Settings) -> bytes:
    """The key of the hashes.

    Raises:
        SettingsError: it is not set.
    """
    if settings.erasure_key is None:
        raise SettingsError(f"VIDEO_ASSETS_ERASURE_KEY is not set. {_HOW_TO_MAKE_ONE}")
    return settings.erasure_key.get_secret_value().encode()


def pseudonyms_of(settings: Settings) -> Pseudonyms | None:
    """What stands for users; None: their ids."""
    key = settings.user_id_key
    return Pseudonyms(key.get_secret_value().encode()) if key else None
