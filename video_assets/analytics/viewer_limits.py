"""Who is left out of rankings and curves: who does more than a person can, staff and tests."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from resources.storage import found, normalized, read_range
from video_assets.days import SECONDS_PER_HOUR
from video_assets.player_events.erased_users import pseudonyms_of
from video_assets.settings import Settings
from video_assets.settings.viewers import ViewerLimits

REASON = "exclusionReason"
LISTED = "listed"
# Of several reasons the first holds.
REASONS = (LISTED, "hours_a_day", "plays_of_a_video", "places_at_once")


def with_reasons(users: DataFrame, listed: DataFrame | None, limits: ViewerLimits) -> DataFrame:
    """Users with the reason for which rankings and curves leave them out; null for most.

    Args:
        users: `userId`, `mostSecondsInADay`, `mostPlaysOfAVideo`, `mostPlacesAtOnce`.
        listed: `userId` of staff and tests, each once; None: nobody.
        limits: what a person can do.
    """
    is_listed: Column = F.lit(False)  # noqa: FBT003 (Spark's signature)
    if listed is not None:
        users = users.join(F.broadcast(listed.withColumn(LISTED, F.lit(1))), "userId", "left")
        is_listed = F.col(LISTED).isNotNull()
    most_seconds = SECONDS_PER_HOUR * limits.viewer_hours_a_day
    conditions = (
        is_listed,
        F.col("mostSecondsInADay") > F.lit(most_seconds),
        F.col("mostPlaysOfAVideo") > F.lit(limits.viewer_plays_of_a_video),
        F.col("mostPlacesAtOnce") > F.lit(limits.viewer_places_at_once),
    )
    reasons = (F.when(is_so, F.lit(r)) for r, is_so in zip(REASONS, conditions, strict=True))
    return users.withColumn(REASON, F.coalesce(*reasons))


def excluded_viewers(user_engagement: DataFrame, limits: ViewerLimits) -> DataFrame | None:
    """`userId` of those whom rankings and curves leave out; None: they count everybody.

    Args:
        user_engagement: rows of `user_engagement`.
        limits: whether these count all the same.
    """
    if limits.count_excluded_viewers:
        return None
    excluded = user_engagement.where(F.col(REASON).isNotNull()).select("userId")
    return excluded if excluded.limit(1).count() else None


def people_counted(user_engagement: DataFrame) -> DataFrame:
    """How many users are left out for each reason, and how many were in several places: one row."""
    is_left_out = {reason: F.col(REASON) == F.lit(reason) for reason in REASONS}
    return user_engagement.agg(
        *(F.count_if(holds).alias(f"excluded_{reason}") for reason, holds in is_left_out.items()),
        F.count_if(F.col("simultaneousSeconds") > F.lit(0.0)).alias("users_in_several_places"),
    )


def listed_viewers(settings: Settings) -> list[str]:
    """Ids of staff and tests, as the tables may hold them.

    Raises:
        StorageError: the file of ids is not there or cannot be read.
    """
    named = sorted({*settings.excluded_viewers, *_ids_in(settings.excluded_viewers_file)})
    pseudonyms = pseudonyms_of(settings)
    return [*named, *map(pseudonyms.of_user, named)] if pseudonyms else named


def _ids_in(file: str | None) -> Iterator[str]:
    if file is None:
        return
    stored = found(normalized(file))
    lines = read_range(stored.location, 0, stored.size).decode("utf-8-sig").splitlines()
    yield from filter(None, map(str.strip, lines))
