"""Which user an anonymous id is, and since when: rows of aliases, and events under their users.

Workers import this module: it needs neither Dagster nor deltalake nor the settings.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from resources.delta.stage import Emission
from resources.delta.table import TIMESTAMP
from video_assets.arrow.blocks import gathered_packs, pack, unpacked
from video_assets.arrow.kernels import count_values, gathered
from video_assets.arrow.types import Integers, compute
from video_assets.player_events.erased import ErasedUsers
from video_assets.player_events.pseudonyms import Pseudonyms
from video_assets.player_events.tables import USER_ALIASES
from video_assets.rejected_rows import rejected_rows
from video_assets.sources.chunks import Chunk
from video_assets.sources.config import SourceConfig
from video_assets.sources.fates import Fate, as_counters, count_rows, less
from video_assets.sources.fields import RowKind
from video_assets.sources.packing import VALID_ROWS
from video_assets.sources.tagged import (
    SOURCE_ROWS,
    TaggedSchema,
    Verdict,
    counted_rows,
    tagged_schema,
)
from video_assets.sources.times import read_times
from video_assets.sources.values import hold_nothing, mask, per_text, read_ids
from video_assets.vocabulary import ALIAS_COLUMNS, OPTIONAL_ALIAS_COLUMNS

ALIASES = "aliases"
REFUSED = "refused_"
_DAY = "day"
_ALWAYS = np.iinfo(np.int64).min
# Refused rows are counted by their reasons; no table holds them.
_REJECTED = rejected_rows("rejected_user_aliases", _DAY, "none")
TAGGED_ALIASES = tagged_schema(USER_ALIASES.arrow_schema, _REJECTED.arrow_schema)


def validate_aliases(chunk: Chunk, config: SourceConfig, _file_index: int = 0) -> Verdict:
    """Judge rows of aliases.

    Args:
        chunk: rows with the columns `anonymousId` and `userId`, and `timestamp` where the source
            has one: an alias without a time has always been the user.
        config: the unit and the zone of times.
    """
    ids = {name: per_text(chunk.columns[name], read_ids) for name in ("anonymousId", "userId")}
    times, readable = np.zeros(len(chunk), np.int64), np.zeros(len(chunk), np.bool_)
    has_none = ~readable
    if "timestamp" in chunk.columns:
        column = chunk.columns["timestamp"]
        times, readable = read_times(column, config.timestamp_unit, config.time_zone)
        has_none = hold_nothing(column, ~readable)
    since = pa.array(times, mask=~readable).cast(TIMESTAMP)
    reasons = (
        ("missing_anonymous_id", mask(ids["anonymousId"].is_null())),
        ("missing_user", mask(ids["userId"].is_null())),
        ("unreadable_timestamp", ~readable & ~has_none),
    )
    undated = np.zeros(len(chunk), np.int64)
    return Verdict({**ids, "since": since}, reasons, undated, undated.astype(bool))


ALIAS_ROWS = RowKind(
    title="user aliases",
    setting="VIDEO_ASSETS_USER_ALIASES",
    day_column=None,
    columns=ALIAS_COLUMNS,
    tagged=TaggedSchema(TAGGED_ALIASES, _DAY),
    validate=validate_aliases,
    optional=OPTIONAL_ALIAS_COLUMNS,
)


def pseudonymous_aliases(
    batches: Iterator[pa.RecordBatch], pseudonyms: Pseudonyms
) -> Iterator[pa.RecordBatch]:
    """Tagged aliases with pseudonyms in place of the ids of both kinds."""
    for batch in batches:
        yield pseudonyms.in_place_of(batch, ["anonymousId", "userId"])


def stored_aliases(batches: Iterator[pa.RecordBatch], erased: ErasedUsers) -> Iterator[Emission]:
    """Aliases of a task that has all rows of its anonymous ids, and what became of its rows.

    Args:
        batches: tagged rows (`TAGGED_ALIASES`).
        erased: aliases of an erased id are left out; an erased user is told by the hash alone.
    """
    rows = gathered(batches, TAGGED_ALIASES)
    is_counter, is_refused = (mask(rows[name].is_valid()) for name in (SOURCE_ROWS, "reason"))
    counters, refused = rows.filter(pa.array(is_counter)), rows.filter(pa.array(is_refused))
    delivered = rows.filter(pa.array(~is_counter & ~is_refused))
    known = delivered.filter(pa.array(~erased.holds(delivered["anonymousId"])))
    kept = periods(erased.with_hashes(known, "userId"))
    valid, all_known = (count_rows(Fate.VALID, table, _DAY) for table in (kept, known))
    tally = (
        counted_rows(counters)
        + valid
        + less(all_known, valid, Fate.REPEATED)
        + less(count_rows(Fate.VALID, delivered, _DAY), all_known, Fate.ERASED)
        + count_rows(Fate.REJECTED, refused, _DAY)
    )
    reasons = {f"{REFUSED}{name}": n for name, n in count_values(refused, "reason").items()}
    aliases = kept.select(list(USER_ALIASES.column_names))
    yield Emission(USER_ALIASES.name, aliases, {**reasons, **as_counters(tally)})


def periods(aliases: pa.Table) -> pa.Table:
    """One row for each change of an anonymous id's user; `since` of its first one is null.

    A login that repeats the user who is known is no change, so that a file which grows by a row a
    login makes no day stale. Of two users of one instant the last in the alphabet holds.

    Args:
        aliases: rows with `anonymousId`, `userId`, `since`; all rows of an anonymous id.
    """
    if not aliases.num_rows:
        return aliases
    ids, users = (_codes(aliases[name]) for name in ("anonymousId", "userId"))
    since = _microseconds(aliases["since"])
    order = np.lexsort((users, since, ids))
    ids, users, since = ids[order], users[order], since[order]
    is_next = ids[1:] == ids[:-1]
    holds = np.append(~(is_next & (since[1:] == since[:-1])), True)
    order, ids, users = order[holds], ids[holds], users[holds]
    is_next = ids[1:] == ids[:-1]
    changes = np.append(True, ~(is_next & (users[1:] == users[:-1])))
    is_first = np.append(True, ~is_next)[changes]
    places: Any = pa.array(order[changes])
    kept = aliases.take(places)
    times = compute.if_else(pa.array(is_first), pa.scalar(None, TIMESTAMP), kept["since"])
    return kept.set_column(kept.schema.get_field_index("since"), "since", times)


def alias_blocks(batches: Iterator[pa.RecordBatch], buckets: int) -> Iterator[pa.RecordBatch]:
    """Stored aliases in the buckets of the events of their anonymous ids."""
    for rows in gathered_packs(batches):
        yield pack(ALIASES, rows, "anonymousId", buckets)


def under_users(batches: Iterator[pa.RecordBatch], buckets: int) -> Iterator[pa.RecordBatch]:
    """Blocks of events and aliases, as blocks of events in the buckets of their users."""
    others: list[pa.RecordBatch] = []
    for parts in unpacked(_joined(batches, others)):
        if events := parts.get(VALID_ROWS):
            yield pack(VALID_ROWS, _with_users(events, parts.get(ALIASES)), "userId", buckets)
    yield from others


def _joined(
    batches: Iterator[pa.RecordBatch], others: list[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    names = pa.array([VALID_ROWS, ALIASES])
    for batch in batches:
        is_joined = compute.is_in(batch["name"], names)
        others.append(batch.filter(compute.invert(is_joined)))
        yield batch.filter(is_joined)


def _with_users(events: pa.Table, aliases: pa.Table | None) -> pa.Table:
    """Events under the user who their id was at their time; before the first login, that one."""
    if aliases is None:
        return events
    order = np.lexsort((_microseconds(aliases["since"]), _codes(aliases["anonymousId"])))
    places: Any = pa.array(order)
    aliases = aliases.take(places)
    since, alias_of = _microseconds(aliases["since"]), _codes(aliases["anonymousId"])
    ids: Any = events["userId"].combine_chunks()
    anonymous = compute.unique(aliases["anonymousId"].cast(pa.string()))
    place = compute.index_in(ids.dictionary, anonymous).fill_null(-1).to_numpy()
    wanted = place[ids.indices.to_numpy()].astype(np.int64)
    rows = np.flatnonzero(wanted >= 0)
    times = _microseconds(events["timestamp"])[rows]
    first, end = (np.searchsorted(alias_of, wanted[rows], side) for side in ("left", "right"))
    holding = _last_until(times, since, first, end - 1)
    users: Any = aliases["userId"].combine_chunks()
    names = pa.concat_arrays([ids.dictionary, users.dictionary])
    codes = ids.indices.to_numpy().astype(np.int64)
    codes[rows] = len(ids.dictionary) + users.indices.to_numpy()[holding]
    taken: Any = pa.array(codes)
    return events.set_column(events.schema.get_field_index("userId"), "userId", names.take(taken))


def _last_until(times: Integers, since: Integers, first: Integers, last: Integers) -> Integers:
    """Bisects for each time the last place of its part whose `since` is not later."""
    while (open_ := first < last).any():
        middle = (first + last + 1) // 2
        is_over = since[middle] > times
        last = np.where(open_ & is_over, middle - 1, last)
        first = np.where(open_ & ~is_over, middle, first)
    return first


def _codes(column: Any) -> Integers:
    """Numbers of texts, in the order of the alphabet."""
    texts = column.combine_chunks()
    if not isinstance(texts, pa.DictionaryArray):
        texts = texts.dictionary_encode()
    ranks = compute.rank(texts.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
    codes: Integers = ranks[texts.indices.to_numpy()] - 1
    return codes


def _microseconds(times: Any) -> Integers:
    since: Integers = times.cast(pa.int64()).fill_null(_ALWAYS).to_numpy()
    return since
