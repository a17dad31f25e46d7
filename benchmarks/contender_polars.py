"""Polars: the same rules with lazy frames, sorted once and compared with the row before."""

from pathlib import Path

import polars as pl

from video_assets.rules import WatchTimeRules

KEY = ("userId", "videoId", "sessionId")
PAIR = ("userId", "videoId")
EVENTS = {
    "video_heartbeat": 0,
    "video_pause": 1,
    "video_ended": 2,
    "video_seek": 3,
    "video_play": 4,
    "video_resume": 5,
}
HEARTBEAT, PAUSE, ENDED, SEEK, PLAY, RESUME = EVENTS.values()
ENGINE = "streaming"
RULES = WatchTimeRules()


def engagement_only(events: Path, metadata: Path, output: Path) -> Path:
    """Engagement rows; frames in memory on the way."""
    judged = _judged(_valid(events)).collect(engine=ENGINE).lazy()
    merged = _islands(_segments(judged), PAIR)
    result = output / "engagement.parquet"
    _engagement(_sessions(judged), merged, metadata).sink_parquet(result, engine=ENGINE)
    return result


def whole_pipeline(events: Path, metadata: Path, output: Path) -> Path:
    """Valid events by day, session rows by day, and engagement, each kept as Parquet."""
    raw, sessions = output / "raw_events", output / "sessions"
    _sink_by_day(_valid(events), raw, "eventDate")
    judged = _judged(pl.scan_parquet(raw, hive_partitioning=True)).collect(engine=ENGINE).lazy()
    run = (*KEY, "run")
    merged = _islands(_segments(judged), run).sort(*run, "start")
    intervals = merged.group_by("run").agg(
        pl.struct("start", pl.col("stop").alias("end")).alias("watchedIntervals"),
        (pl.col("stop") - pl.col("start")).sum().alias("uniqueSecondsWatched"),
    )
    rows = _sessions(judged).join(intervals, on="run", how="left")
    number = pl.col("run").rank("ordinal").over(*KEY, "sessionDate").alias("sessionNumber")
    _sink_by_day(rows.with_columns(number), sessions, "sessionDate")
    stored = pl.scan_parquet(sessions, hive_partitioning=True)
    pieces = stored.select(*PAIR, "watchedIntervals").explode("watchedIntervals").drop_nulls()
    pieces = pieces.select(
        *PAIR,
        pl.col("watchedIntervals").struct.field("start"),
        pl.col("watchedIntervals").struct.field("end").alias("stop"),
    )
    result = output / "engagement.parquet"
    _engagement(stored, _islands(pieces, PAIR), metadata).sink_parquet(result, engine=ENGINE)
    return result


def _sink_by_day(frame: pl.LazyFrame, folder: Path, day: str) -> None:
    frame.sink_parquet(pl.PartitionBy(folder, key=day), mkdir=True, engine=ENGINE)


def _valid(events: Path) -> pl.LazyFrame:
    """Rule 1: distinct valid events."""
    position = pl.col("currentTime")
    texts = [pl.col(name).str.strip_chars() != "" for name in KEY]
    is_known = pl.col("eventName").is_in(list(EVENTS))
    target_is_valid = (pl.col("eventName") != "video_seek") | (pl.col("seekTime") >= 0)
    source = pl.scan_parquet(events / "*.parquet")
    valid = source.select("timestamp", *KEY, "eventName", "currentTime", "seekTime").filter(
        pl.col("timestamp").is_not_null(),
        *texts,
        is_known,
        position.is_finite(),
        position >= 0,
        target_is_valid,
    )
    return valid.unique().with_columns(pl.col("timestamp").dt.date().alias("eventDate"))


def _judged(valid: pl.LazyFrame) -> pl.LazyFrame:
    """Rules 2 to 6: every event with what happened since the one before it."""
    event, dp = pl.col("event"), pl.col("dp")
    standing = _standing(_in_order(valid))
    target = pl.when(event == SEEK).then("sought").otherwise("position")
    moved = standing.with_columns(target.alias("target"))
    changes = moved.with_columns(
        pl.when("same").then(pl.col("target").shift(1)).alias("position_before"),
    ).with_columns((pl.col("position") - pl.col("position_before")).alias("dp"))
    idle = pl.col("dt") - dp.clip(0, RULES.max_segment)
    fastest = pl.col("dt") * RULES.max_playback_rate + RULES.position_tolerance
    may_be_watched = (dp > 0) & (dp < RULES.max_segment) & (dp <= fastest)
    goes_on = pl.col("connected") & (pl.col("day") == pl.col("day_before"))
    linked = changes.with_columns(
        (pl.col("same") & ~(idle > RULES.session_timeout)).fill_null(value=False).alias("connected")
    ).with_columns(
        (pl.col("connected") & pl.col("was_playing") & may_be_watched)
        .fill_null(value=False)
        .alias("watched")
    )
    may_skip = pl.col("connected") & ~pl.col("watched") & (pl.col("event_before") != ENDED)
    move = (
        pl.when(event == SEEK)
        .then(pl.col("target") - pl.col("position"))
        .when(may_skip)
        .then(dp)
        .otherwise(0.0)
    )
    return _with_endings(linked).with_columns(
        pl.when("watched").then(dp).otherwise(0.0).alias("seconds"),
        (move > RULES.forward_skip).alias("forward"),
        (move < -RULES.backward_skip).alias("backward"),
        (~goes_on.fill_null(value=False)).cum_sum().alias("run"),
    )


def _in_order(valid: pl.LazyFrame) -> pl.LazyFrame:
    """Rule 2: sorted events, with `plays`: whether it was playing before their instant."""
    event, micros = pl.col("event"), pl.col("micros")
    coded = valid.select(
        *KEY,
        pl.col("currentTime").alias("reported"),
        pl.col("seekTime").alias("sought"),
        pl.col("timestamp").dt.date().alias("day"),
        pl.col("timestamp").dt.epoch("us").alias("micros"),
        pl.col("eventName")
        .replace_strict(list(EVENTS), list(EVENTS.values()), return_dtype=pl.Int8)
        .alias("event"),
    ).sort(*KEY, "micros", "event", "reported", "sought")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in KEY)
    lines = coded.with_columns((~same.fill_null(value=False)).cum_sum().alias("line"))
    begins = (pl.col("line") != pl.col("line").shift(1)) | (micros != micros.shift(1))
    instants = lines.with_columns(begins.fill_null(value=True).cum_sum().alias("instant"))
    turning = instants.with_columns(
        (event >= PLAY).any().over("instant").alias("starts"),
        event.is_in([PAUSE, ENDED]).any().over("instant").alias("stops"),
    )
    turns = {
        "started": pl.col("starts") & ~pl.col("stops"),
        "stopped": pl.col("stops") & ~pl.col("starts"),
        "beat": event == HEARTBEAT,
    }
    latest = turning.with_columns(
        pl.when(happened).then(micros).forward_fill().shift(1).over("line").alias(name)
        for name, happened in turns.items()
    ).with_columns(pl.col(name).first().over("instant").fill_null(-1) for name in turns)
    since = micros - int(RULES.lookback * 1e6)
    plays = (
        pl.when(pl.max_horizontal("started", "stopped") >= since)
        .then(pl.col("started") > pl.col("stopped"))
        .otherwise(pl.col("beat") >= since)
    )
    known = latest.with_columns(plays.alias("plays"))
    comes_later = ~pl.col("plays") & (event < SEEK)
    rank = pl.when(comes_later).then(event + len(EVENTS)).otherwise(event)
    return known.with_columns(rank.alias("rank")).sort("instant", "rank", maintain_order=True)


def _standing(ordered: pl.LazyFrame) -> pl.LazyFrame:
    """Rule 3: where the video stood, and whether it was playing until then."""
    event = pl.col("event")
    same = (pl.col("line") == pl.col("line").shift(1)).fill_null(value=False)
    turn = (
        pl.when(event >= PLAY)
        .then(True)  # noqa: FBT003 (Polars' signature)
        .when(event.is_in([PAUSE, ENDED]))
        .then(False)  # noqa: FBT003 (likewise)
    )
    before = ordered.with_columns(
        same.alias("same"), turn.forward_fill().shift(1).over("instant").alias("turn")
    ).with_columns(
        pl.when("same").then(pl.col(name).shift(1)).alias(f"{name}_before")
        for name in ("micros", "reported", "sought", "event", "day")
    )
    dt = (pl.col("micros") - pl.col("micros_before")) / 1e6
    is_stale = (
        (pl.col("event_before") == SEEK)
        & (event >= PLAY)
        & (dt <= RULES.stale_play_within)
        & ((pl.col("reported") - pl.col("reported_before")).abs() <= 1)
    )
    return before.with_columns(
        dt.alias("dt"),
        pl.coalesce("turn", "plays").alias("was_playing"),
        pl.when(is_stale).then("sought_before").otherwise("reported").alias("position"),
    )


def _with_endings(linked: pl.LazyFrame) -> pl.LazyFrame:
    """Rule 9: an ended counts unless it repeats an earlier one with nothing played since."""
    event, place = pl.col("event"), pl.int_range(pl.len())
    latest = {
        "ended_before": pl.when(event == ENDED).then(place),
        "micros_of_end": pl.when(event == ENDED).then("micros"),
        "played_before": pl.when(event.is_in([HEARTBEAT, PLAY, RESUME])).then(place),
    }
    known = linked.with_columns(
        found.forward_fill().shift(1).over("line").alias(name) for name, found in latest.items()
    )
    repeats = (pl.col("ended_before") > pl.col("played_before").fill_null(-1)) & (
        pl.col("micros") - pl.col("micros_of_end") <= int(RULES.lookback * 1e6)
    )
    return known.with_columns(((event == ENDED) & ~repeats.fill_null(value=False)).alias("ending"))


def _sessions(judged: pl.LazyFrame) -> pl.LazyFrame:
    """Rule 9 without the intervals: one row a run of events, which are sorted."""
    began = pl.when("connected").then("micros_before").otherwise("micros").min()
    return judged.group_by("run").agg(
        *(pl.col(name).first() for name in KEY),
        pl.col("day").first().alias("sessionDate"),
        (began < pl.col("micros").min()).alias("isContinuation"),
        pl.col("micros").min().alias("firstMicros"),
        pl.col("micros").max().alias("lastMicros"),
        ((pl.col("micros").max() - began) / 1e6).alias("elapsedSeconds"),
        pl.col("seconds").sum().alias("watchTime"),
        pl.max_horizontal("position", "target").max().alias("maxPosition"),
        pl.when(pl.col("watched") | pl.col("ending")).then("position").max().alias("furthestSeen"),
        (pl.col("event") == PAUSE).sum().alias("pauseCount"),
        pl.col("ending").sum().alias("endedCount"),
        pl.col("forward").sum().alias("forwardSkips"),
        pl.col("backward").sum().alias("backwardSkips"),
        pl.len().alias("eventCount"),
        pl.when(pl.col("event").last() == PLAY)
        .then(pl.col("position").last())
        .alias("unterminatedPosition"),
    )


def _segments(judged: pl.LazyFrame) -> pl.LazyFrame:
    """Rule 5: the watched segments."""
    watched = judged.filter("watched")
    return watched.select(
        *KEY, "run", pl.col("position_before").alias("start"), pl.col("position").alias("stop")
    )


def _islands(pieces: pl.LazyFrame, owner: tuple[str, ...]) -> pl.LazyFrame:
    """Rule 8: the union of each owner's pieces, a row an island."""
    furthest = pl.col("stop").cum_max().shift(1).over(*owner)
    begins = (pl.col("start") > furthest).fill_null(value=True)
    marked = pieces.sort(*owner, "start", "stop").with_columns(begins.alias("begins"))
    numbered = marked.with_columns(pl.col("begins").cum_sum().alias("island"))
    return numbered.group_by("island").agg(
        *(pl.col(name).first() for name in owner), pl.col("start").min(), pl.col("stop").max()
    )


def _engagement(sessions: pl.LazyFrame, merged: pl.LazyFrame, metadata: Path) -> pl.LazyFrame:
    """Rules 8 and 10 to 13: one row per user and video."""
    sums = sessions.group_by(*PAIR).agg(
        pl.col("watchTime").sum().alias("totalWatchTime"),
        pl.col("maxPosition").max().alias("maxPositionReached"),
        pl.col("furthestSeen").max().alias("seen"),
        (~pl.col("isContinuation")).sum().clip(1).cast(pl.Int64).alias("sessionCount"),
        pl.col("elapsedSeconds").sum().alias("elapsed"),
        pl.col("pauseCount").sum().alias("pauses"),
        pl.col("forwardSkips").sum().cast(pl.Int64).alias("totalForwardSkips"),
        pl.col("backwardSkips").sum().cast(pl.Int64).alias("totalBackwardSkips"),
        pl.col("endedCount").sum().cast(pl.Int64).alias("completionCount"),
        pl.col("firstMicros").min().alias("firstWatchMicros"),
        pl.col("lastMicros").max().alias("lastWatchMicros"),
    )
    unique = (pl.col("stop") - pl.col("start")).sum().alias("totalUniqueSecondsWatched")
    duration = pl.col("duration")
    videos = pl.scan_parquet(metadata).select(
        "videoId",
        pl.col("title").alias("videoTitle"),
        pl.when(duration.is_finite() & (duration > 0)).then(duration).alias("known"),
    )
    largest = sums.group_by("videoId").agg(
        pl.coalesce(pl.col("seen").max(), pl.col("maxPositionReached").max()).alias("largest")
    )
    last_end = pl.col("stop").max().alias("last_end")
    described = (
        sums.join(merged.group_by(*PAIR).agg(unique, last_end), on=PAIR, how="left")
        .join(largest, on="videoId")
        .join(videos, on="videoId", how="left")
        .with_columns(
            pl.col("totalUniqueSecondsWatched").fill_null(0.0),
            pl.coalesce("known", "largest").alias("videoDuration"),
            pl.col("known").is_null().alias("isDurationEstimated"),
        )
    )
    return _scored(described)


def _scored(described: pl.LazyFrame) -> pl.LazyFrame:
    watched, sessions = pl.col("totalWatchTime"), pl.col("sessionCount")
    duration, completions = pl.col("videoDuration"), pl.col("completionCount")
    score = pl.col("engagementScore")
    skips = pl.col("totalForwardSkips") + pl.col("totalBackwardSkips")
    points = watched / 60 + 50 * completions + 5 * sessions - 2 * skips
    return (
        described.with_columns(
            _percentage("totalWatchTime").alias("watchPercentage"),
            _percentage("maxPositionReached").alias("completionPercentage"),
            _percentage("totalUniqueSecondsWatched").alias("uniqueWatchPercentage"),
        )
        .with_columns(
            (points + 0.3 * pl.col("uniqueWatchPercentage")).round(2).alias("engagementScore"),
            (watched / sessions).alias("avgWatchTimePerSession"),
            (pl.col("elapsed") / sessions).alias("avgSessionDuration"),
            (pl.col("pauses") / sessions).alias("avgPausesPerSession"),
            (completions > 0).alias("isCompletedAtLeastOnce"),
            ((completions > 0) | (pl.col("last_end") >= RULES.reached_end * duration))
            .fill_null(value=False)
            .alias("hasReachedEnd"),
            (sessions > 1).alias("isReplay"),
        )
        .with_columns(
            _first_of(
                {
                    "High": score >= RULES.tier_high,
                    "Medium": score >= RULES.tier_medium,
                    "Low": score >= RULES.tier_low,
                },
                "Minimal",
            ).alias("engagementTier"),
            _first_of(
                {
                    "position_exceeds_duration": pl.col("maxPositionReached")
                    > RULES.duration_tolerance * duration,
                    "excessive_watch_time": watched
                    > RULES.duration_tolerance * duration * sessions,
                    "completed_without_sufficient_watch": (completions > 0)
                    & (pl.col("watchPercentage") < RULES.sufficient_watch_percentage),
                    "no_valid_segments": watched == 0,
                    "very_short_watch": watched < RULES.very_short_watch,
                },
                "ok",
            ).alias("dataQualityFlag"),
        )
    )


def _percentage(part: str) -> pl.Expr:
    duration = pl.col("videoDuration")
    return pl.when(duration > 0).then(100 * pl.col(part) / duration).otherwise(0.0).round(2)


def _first_of(cases: dict[str, pl.Expr], otherwise: str) -> pl.Expr:
    chosen = pl.lit(otherwise)
    for name, condition in reversed(cases.items()):
        chosen = pl.when(condition).then(pl.lit(name)).otherwise(chosen)
    return chosen
