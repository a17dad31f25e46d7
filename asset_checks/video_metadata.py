"""What must hold for `video_metadata`: durations are known, and people do not watch beyond them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from asset_checks.evaluate import sample
from asset_checks.rules import WARN, CheckInput, Finding, FrameRule, MeasuredRule, Rule
from video_assets.engagement.routes import UNREADABLE
from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA


def _is_there(given: CheckInput) -> bool:
    return bool(given.stored.row_count(VIDEO_METADATA) and given.stored.row_count(SESSIONS))


def _watched_videos(given: CheckInput) -> DataFrame:
    watched = given.all_rows(SESSIONS).groupBy("videoId")
    return watched.agg(F.max("furthestSeen").alias("furthestSeen"))


def _unknown_durations(given: CheckInput) -> Finding:
    described = given.all_rows(VIDEO_METADATA).where(F.col("duration").isNotNull())
    watched = _watched_videos(given)
    unknown = watched.join(described.select("videoId"), "videoId", "left_anti")
    videos, without = watched.count(), unknown.count()
    written = given.newest_write()
    unreadable = int(written.counts.get(UNREADABLE, 0)) if written else 0
    share = without / max(videos, 1)
    measured = {"share": round(share, 6), UNREADABLE: unreadable}
    if share <= given.thresholds.max_unknown_durations and not unreadable:
        return Finding(checked=videos, measured=measured)
    return Finding(
        rows=max(without, unreadable),
        checked=videos,
        sample=sample(unknown.select("videoId")),
        measured=measured,
    )


def _watched_beyond(given: CheckInput) -> DataFrame:
    beyond = F.col("furthestSeen") > F.col("duration") + F.lit(
        given.tolerated("position_tolerance")
    )
    described = given.all_rows(VIDEO_METADATA).select("videoId", "duration", "title")
    return _watched_videos(given).join(described, "videoId").where(beyond)


RULES: tuple[Rule, ...] = (
    MeasuredRule(
        name="durations_known",
        table=VIDEO_METADATA,
        description="Nearly every watched video has a duration, and each that was delivered can be "
        "read.",
        problem="videos have no readable duration: their percentages are of an estimate",
        remedy="Deliver the durations, or set VIDEO_METADATA_DURATION_UNIT or "
        "EVENTS_DURATION_UNIT.",
        severity=WARN,
        compared_with=(SESSIONS,),
        thresholds=("max_unknown_durations",),
        applies=_is_there,
        measure=_unknown_durations,
    ),
    FrameRule(
        name="durations_reach_positions",
        table=VIDEO_METADATA,
        description="No video was watched beyond its duration.",
        problem="videos were watched beyond their duration",
        remedy="Correct the durations, or see whether they count in another unit or are of "
        "another cut.",
        severity=WARN,
        compared_with=(SESSIONS,),
        thresholds=("position_tolerance",),
        applies=_is_there,
        violations=_watched_beyond,
    ),
)
