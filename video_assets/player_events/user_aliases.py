"""The table `user_aliases`, and the days of events that a change of it concerns.

Events are stored under the user whom the aliases name, so a change makes the days stale that hold
events of the ids concerned: as a late file would, by the account of deliveries.
"""

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import compress
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from resources.delta.changes import origin_of
from resources.delta.commit import commit
from resources.delta.erasure import delete_where_equal, replace_equal
from resources.delta.schema_check import Days
from resources.delta.stage import StagedTable, stage, stage_nothing, target
from resources.delta.warehouse import Warehouse
from resources.engine.engine import Engine
from resources.storage import plain_location
from video_assets.arrow.blocks import BLOCKS_DDL, Shares, shared
from video_assets.arrow.kernels import tasks_for
from video_assets.days import UNDATED, DayRange
from video_assets.deliveries.delivery import USER_ALIASES as SOURCE
from video_assets.deliveries.delivery import Delivery, Source
from video_assets.deliveries.pending import pending_of
from video_assets.deliveries.stored_account import change_account
from video_assets.ingestion import clear_source_errors
from video_assets.player_events.alias_rows import (
    ALIAS_ROWS,
    REFUSED,
    alias_blocks,
    pseudonymous_aliases,
    stored_aliases,
    under_users,
)
from video_assets.player_events.erased import hash_of
from video_assets.player_events.erased_users import erased_users, erasure_key, pseudonyms_of
from video_assets.player_events.tables import RAW_EVENTS, USER_ALIASES
from video_assets.settings import Settings
from video_assets.sources.config import SourceConfig
from video_assets.sources.estimated_rows import rows_of_source
from video_assets.sources.fields import Layout
from video_assets.sources.frames import read_rows
from video_assets.sources.times import ANY_DAY

_BASE = "aliasesBefore"


def aliases_delivered(settings: Settings) -> Source | None:
    """The source of the aliases, and where its account is; None where there is none."""
    if settings.user_aliases is None:
        return None
    config = SourceConfig(
        uri=settings.user_aliases,
        columns=settings.user_aliases_columns,
        timestamp_unit=settings.events_timestamp_unit,
        time_zone=settings.events_time_zone,
    )
    return Source(SOURCE, Layout(ALIAS_ROWS, config), settings.warehouse, USER_ALIASES)


def refresh_aliases(spark: Engine, settings: Settings, events: Source, log: logging.Logger) -> None:
    """Take over what was delivered since, and mark the days of events that it concerns.

    The aliases are committed first, the days marked second, the account written last: killed in
    between, the next call begins again, by the version of before that the commit names.

    Args:
        spark: the engine.
        settings: where the aliases are.
        events: the source of the events.
        log: where refused rows are named.

    Raises:
        SourceError: the source of the aliases cannot be read.
    """
    source = aliases_delivered(settings)
    if source is None:
        _forget_aliases(spark, settings, events)
        return
    compared = pending_of(source, settings, datetime.now(UTC))
    if not (compared.unknown or compared.pending):
        return
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session)
    base = _version_accounted_for(stored, source)
    delivery = Delivery(source, DayRange.single(UNDATED), reads_all=True)
    staged = _staged(spark, settings, delivery, log)
    commit(replace(staged, origin={_BASE: str(base)}))
    _mark(settings, events, _days_changed_since(stored, base))
    delivery.note(Days({UNDATED}))


def aliases_state(settings: Settings) -> int | None:
    """What changes with the stored aliases; None: there never were any."""
    return Warehouse(settings.warehouse).replacement(USER_ALIASES)


def mark_if_changed(settings: Settings, events: Source, state: int | None, days: Days) -> None:
    """Mark the days of a run that read aliases which are others now."""
    if aliases_state(settings) != state:
        _mark(settings, events, days)


def events_of_users(
    spark: Engine, settings: Settings, blocks: DataFrame, shares: Shares
) -> DataFrame:
    """Blocks of events by the ids as delivered, as such by their users; see `events_in_blocks`.

    Events and aliases of an id meet in a bucket, so the aliases may be as many as the events.
    """
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session)
    if not stored.row_count(USER_ALIASES):
        return blocks
    aliases = stored.frame(USER_ALIASES).mapInArrow(
        partial(alias_blocks, buckets=shares.buckets), BLOCKS_DDL
    )
    met = shared(blocks.unionByName(aliases), shares)
    return shared(met.mapInArrow(partial(under_users, buckets=shares.buckets), BLOCKS_DDL), shares)


def with_own_aliases(settings: Settings, users: Collection[str]) -> list[str]:
    """People and the anonymous ids that were theirs alone."""
    table = Warehouse(settings.warehouse).log(USER_ALIASES)
    if table is None:
        return sorted(users)
    erased, theirs = erased_users(settings), set[str]()
    columns = ["anonymousId", "userId"]
    for batch in table.scan(columns=columns):
        rows = pa.table(batch)
        theirs.update(compress(_texts(rows, "anonymousId"), erased.holds(rows["userId"])))
    for batch in table.scan(columns=columns) if theirs else ():
        rows = pa.table(batch)
        others = ~erased.holds(rows["userId"])
        theirs.difference_update(compress(_texts(rows, "anonymousId"), others))
    return sorted({*users, *theirs})


def _texts(rows: pa.Table, column: str) -> list[str]:
    texts: list[Any] = rows[column].to_pylist()
    return texts


def erase_aliases(settings: Settings, users: Collection[str]) -> int:
    """Delete the aliases of anonymous ids, and put hashes for users where ids were shared.

    Returns:
        How many aliases were deleted.
    """
    location = Warehouse(settings.warehouse).location(USER_ALIASES)
    deleted = delete_where_equal(location, "anonymousId", sorted(users))
    key = erasure_key(settings)
    hashes = {user: hash_of(user, key) for user in users}
    replace_equal(location, "userId", hashes)
    return deleted


def _forget_aliases(spark: Engine, settings: Settings, events: Source) -> None:
    """Empty the table where the setting names none any more."""
    stored = Warehouse(settings.warehouse, lambda: spark.spark_session)
    if stored.row_count(USER_ALIASES):
        aliases = stored.frame(USER_ALIASES)
        _mark(settings, events, _days_concerned(stored, aliases, aliases.limit(0)))
        into = target(settings.warehouse, USER_ALIASES)
        commit(stage_nothing(into)[USER_ALIASES.name])


def _staged(
    spark: Engine, settings: Settings, delivery: Delivery, log: logging.Logger
) -> StagedTable:
    into = target(settings.warehouse, USER_ALIASES)
    with clear_source_errors():
        layout, listing = delivery.source.layout, delivery.listing
        rows = read_rows(spark.spark_session, layout, ANY_DAY, listing)
        if pseudonyms := pseudonyms_of(settings):
            hidden = partial(pseudonymous_aliases, pseudonyms=pseudonyms)
            rows = rows.mapInArrow(hidden, rows.schema)
        tasks = tasks_for(rows_of_source(listing), spark.cores)
        route = partial(stored_aliases, erased=erased_users(settings))
        tables = stage(rows.repartition(tasks, F.col("anonymousId")), route, into)
    staged = delivery.met(listing, Days({UNDATED}), tables)[USER_ALIASES.name]
    refused = {
        name.removeprefix(REFUSED): rows
        for name, rows in staged.counters.items()
        if name.startswith(REFUSED)
    }
    log.info("%d changes of users' aliases in %d files", staged.rows, len(listing.files))
    if refused:
        log.warning("rows of the users' aliases were refused: %s", refused)
    return staged


def _version_accounted_for(stored: Warehouse, source: Source) -> int:
    """The version by which days were marked last; -1: there is none."""
    table = stored.log(USER_ALIASES)
    if table is None:
        return -1
    base = (origin_of(table) or {}).get(_BASE)
    newest = stored.replacement(USER_ALIASES)
    is_noted = any(
        fates.commit == newest
        for version in source.account().versions.values()
        for fates in version.fates.values()
    )
    return table.version() if is_noted or base is None else int(base)


def _days_changed_since(stored: Warehouse, base: int) -> Collection[date]:
    """The days that the newest aliases concern, where others were known in version `base`."""
    now = stored.frame(USER_ALIASES)
    if base < 0:
        return _days_concerned(stored, now.limit(0), now)
    try:
        reader = stored.session().read.format("delta").option("versionAsOf", base)
        before = reader.load(plain_location(stored.location(USER_ALIASES)))
        return _days_concerned(stored, before.select(*USER_ALIASES.column_names), now)
    except PySparkException:
        # `maintenance` and `erase_users` leave no older version.
        return list(stored.rows_per_day(RAW_EVENTS))


def _days_concerned(stored: Warehouse, before: DataFrame, now: DataFrame) -> list[date]:
    """The days with events of an id whose user is another one, or of who was its user."""
    alias = list(USER_ALIASES.column_names)
    both = before.withColumn("is", F.lit(-1)).unionByName(now.withColumn("is", F.lit(1)))
    was_user = F.when(F.col("was") < 0, F.col("userId"))
    changed = (
        both.groupBy(*alias)
        .agg(F.sum("is").alias("change"), F.min("is").alias("was"))
        .groupBy("anonymousId")
        .agg(F.max(F.abs("change")).alias("changes"), F.collect_set(was_user).alias("users"))
        .where(F.col("changes") > 0)
    )
    own = F.concat(F.array("anonymousId"), F.col("users"))
    ids = changed.select(F.explode(own).alias("userId")).distinct()
    events = stored.frame(RAW_EVENTS).select("userId", "eventDate")
    days = events.join(ids, "userId", "left_semi").select("eventDate").distinct()
    return [row["eventDate"] for row in days.collect()]


def _mark(settings: Settings, events: Source, days: Collection[date]) -> None:
    if days:
        change_account(
            settings.warehouse,
            events.name,
            events.read_as,
            lambda account: account.with_changed_aliases(days),
        )
