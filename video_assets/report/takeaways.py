"""What the figures say, in a sentence each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from video_assets.report.facts import (
    Audience,
    Curve,
    FlagDay,
    Intake,
    Limits,
    Missing,
    Report,
    Totals,
    Trend,
    Video,
    Views,
    WatchDay,
    chapter_at,
    percentage,
)
from video_assets.wording import (
    change,
    clock,
    count,
    full_day,
    hours,
    listed,
    moment,
    name,
    percent,
    quoted,
    short_day,
)

# A day is over at midnight UTC and computed in the night after it.
_NORMAL_AGE_DAYS = 2
_DAYS_NAMED = 3
_PEAKS_NAMED = 3
_USERS_NAMED = 3
_PER_CENT = 100
_EVEN = 0.5
_NEWEST_DAYS = 7
_VIEW_PERIODS = (7, 28)

NOTHING_WATCHED = "Nothing was watched yet."


@dataclass(frozen=True)
class Verdict:
    """One reason to trust the numbers, or to look first."""

    subject: str
    is_good: bool
    finding: str


def verdicts(report: Report) -> list[Verdict]:
    """Whether the data can be trusted, one aspect each."""
    found = [
        _fresh(report),
        _complete(report.intake),
        _readable(report.intake, report.limits),
        _plausible(report.totals, report.limits),
    ]
    return found if report.missing is None else [*found, _views_complete(report.missing)]


def trust(report: Report) -> str:
    """All verdicts together: what is met, and what is not."""
    found = verdicts(report)
    doubtful = [verdict.finding for verdict in found if not verdict.is_good]
    if not doubtful:
        return f"Yes: all {len(found)} tests of the data are met."
    met = len(found) - len(doubtful)
    return f"{met} of {len(found)} tests are met. To look at: {' '.join(doubtful)}"


def _fresh(report: Report) -> Verdict:
    newest = report.totals.newest_event
    if newest is None:
        return Verdict("Fresh data", is_good=False, finding="There is no event yet.")
    age = (report.written_at.date() - newest.date()).days
    ago = "today" if age == 0 else f"{count(age, 'day')} before this page was written"
    finding = f"The newest event is of {moment(newest)}, {ago}."
    return Verdict("Fresh data", age <= _NORMAL_AGE_DAYS, finding)


def _complete(intake: Intake) -> Verdict:
    lacking = intake.days_without_events
    if not intake.days:
        return Verdict("Complete days", is_good=False, finding="There is no day with events yet.")
    if not lacking:
        finding = f"Each of the {count(len(intake.days), 'day')} shown has events."
        return Verdict("Complete days", is_good=True, finding=finding)
    finding = f"{count(len(lacking), 'day')} without any event: {_some_days(lacking)}."
    return Verdict("Complete days", is_good=False, finding=finding)


def _readable(intake: Intake, limits: Limits) -> Verdict:
    limit = _PER_CENT * limits.rejected_share
    worst = max((day.rejected_rate for day in intake.days[-_NEWEST_DAYS:]), default=0.0)
    finding = (
        f"At most {percent(worst)} of a day's source rows were rejected in the newest "
        f"{count(min(_NEWEST_DAYS, len(intake.days)), 'day')}; the limit is {percent(limit)}."
    )
    return Verdict("Readable rows", worst <= limit, finding)


def _plausible(totals: Totals, limits: Limits) -> Verdict:
    limit = _PER_CENT * limits.flagged_share
    finding = (
        f"{percent(totals.flagged_rate)} of the viewer-video pairs carry a doubt; "
        f"the limit is {percent(limit)}."
    )
    return Verdict("Plausible viewing", totals.flagged_rate <= limit, finding)


def _views_complete(missing: Missing) -> Verdict:
    if not missing.dates:
        finding = "No video misses a day of its daily views."
        return Verdict("Complete daily views", is_good=True, finding=finding)
    finding = (
        f"{count(missing.videos, 'video')} {'misses' if missing.videos == 1 else 'miss'} "
        f"{count(missing.dates, 'day')} of daily views, {percent(missing.missing_rate)} of all."
    )
    return Verdict("Complete daily views", is_good=False, finding=finding)


def audience(trend: Trend) -> str:
    """Who watched in a period, and whether it becomes more."""
    now, before = trend.now, trend.before
    until = full_day(now.last)
    days = f"on {until}" if now.days == 1 else f"in the {now.days} days to {until}"
    returning = (
        ""
        if now.returning is None
        else f", {percent(percentage(now.returning, now.viewers))} of them returning"
    )
    found = f"{count(now.viewers, 'viewer')} {days}{returning}; {clock(now.average_view)} a session"
    if before is None:
        return f"{found}."
    return f"{found}, watch time {change(now.seconds, before.seconds)} against as long before."


def views(found: Views, highest: float) -> str:
    """How many views there are, whether they become more, and which days leave the chart."""
    newest = max(day for day, _ in found.per_day)
    views = dict(found.per_day)
    sentences = [f"{count(found.total, 'view')} in all."]
    for length in _VIEW_PERIODS:
        days = [newest - timedelta(days=n) for n in range(2 * length)]
        if days[-1] in views:
            now, before = (
                sum(views[day] for day in part) for part in (days[:length], days[length:])
            )
            compared = (
                "not to be compared with as long before"
                if found.definition_changed(days[-1], newest)
                else f"{change(now, before)} against as long before"
            )
            sentences.append(
                f"{count(now)} in the {length} days to {full_day(newest)}, {compared}."
            )
    sentences += [
        f"From {full_day(day)} on something else counts as a view ({what})."
        for day, what in found.definition_changes
        if found.per_day[0][0] < day <= newest
    ]
    beyond = tuple(day for day, number in found.per_day if number > highest)
    if beyond:
        sentences.append(f"Higher than the chart: {_some_days(beyond)}.")
    return " ".join(sentences)


def watch_time(days: tuple[WatchDay, ...], unfinished: Collection[date] = ()) -> str:
    """How much is watched on finished days, where the extremes are, and how much so far."""
    so_far = [day for day in days if day.day in unfinished]
    said = (f"So far {hours(day.hours)} on {full_day(day.day)}." for day in so_far)
    whole = tuple(day for day in days if day.day not in unfinished)
    return " ".join([*([] if so_far and not whole else [_watch_time(whole)]), *said])


def _watch_time(days: tuple[WatchDay, ...]) -> str:
    if not days:
        return NOTHING_WATCHED
    mean = sum(day.hours for day in days) / len(days)
    most, least = max(days, key=lambda day: day.hours), min(days, key=lambda day: day.hours)
    if len(days) == 1:
        return f"{hours(mean)} were watched on {full_day(most.day)}."
    return (
        f"{hours(mean)} a day on average; most on {short_day(most.day)} ({hours(most.hours)}), "
        f"least on {short_day(least.day)} ({hours(least.hours)})."
    )


def top_videos(videos: tuple[Video, ...], totals: Totals) -> str:
    """How much of the watch time the most watched videos make up."""
    if not videos:
        return NOTHING_WATCHED
    top = sum(video.hours for video in videos)
    share = percent(_PER_CENT * top / totals.watch_hours) if totals.watch_hours else percent(0)
    return (
        f"{quoted(videos[0].name)} leads with {hours(videos[0].hours)}; these "
        f"{count(len(videos), 'video')} of {count(totals.videos)} make up {share} of all watch "
        "time."
    )


def held(best: tuple[Video, ...], worst: tuple[Video, ...], min_viewers: int) -> str:
    """Which videos hold people, and which do not."""
    if not best:
        return f"No video of known duration has {min_viewers} viewers yet."
    finding = (
        f"{quoted(best[0].name)} holds people best: an average viewer watches "
        f"{percent(best[0].watched)} of it"
    )
    if not worst:
        return f"{finding}."
    return f"{finding}. {quoted(worst[0].name)} holds them least: {percent(worst[0].watched)}."


def leaving(curves: tuple[Curve, ...]) -> str:
    """Where people leave the most watched video, and what they watch again."""
    if not curves:
        return NOTHING_WATCHED
    first = curves[0]
    return f"{quoted(first.video.name)}, the most watched: {retention(first)} {losing(first)}"


def retention(curve: Curve) -> str:
    """How far the viewers of a video get, and what they watch again."""
    video = curve.video
    found = [f"{percent(video.completion_rate)} of {count(video.viewers, 'viewer')} complete it"]
    if video.drop_off is not None:
        chapter = chapter_at(curve.chapters, video.drop_off)
        within = f", in {quoted(name(chapter.title))}" if chapter else ""
        gone = f"{clock(video.drop_off)} of {clock(video.duration)}{within}"
        found.append(f"half of the others are gone by {gone}")
    return f"{'; '.join(found)}. {_opening(curve)}{_rewatched(curve)}"


def losing(curve: Curve) -> str:
    """Where most leave a video for good."""
    lost = curve.lost
    if lost is None:
        return "Nobody leaves before the last part."
    part = f"{clock(lost.start)} to {clock(lost.end)}{curve.within(lost.start)}"
    return f"Most leave for good from {part}: {count(lost.number, 'viewer')}."


def beside_similar(relative: float | None) -> str:
    """Whether a video holds its viewers better than others of its length.

    Args:
        relative: mean of `relativeRetention` over its parts.
    """
    if relative is None:
        return "No other video is of similar length."
    if relative == _EVEN:
        return "It holds its viewers as the median of videos of similar length."
    kind = "better" if relative > _EVEN else "less well"
    return (
        f"It holds its viewers {kind} than the median of videos of similar length: on average over "
        f"its parts, {percent(_PER_CENT * relative)} of them hold a smaller share."
    )


def _opening(curve: Curve) -> str:
    """Why the curve begins below 100 viewers of 100."""
    viewers = curve.video.viewers
    if curve.opening >= viewers:
        return ""
    reasons = [
        f"{count(number)} {what}"
        for number, what in ((curve.idle, "watched nothing"), (curve.later, "began further on"))
        if number > 0
    ]
    return (
        f"{count(curve.opening)} of the {count(viewers)} watched the first "
        f"{count(curve.bucket_seconds, 'second')}: {listed(reasons)}. "
    )


def _rewatched(curve: Curve) -> str:
    peaks = curve.rewatch_peaks[:_PEAKS_NAMED]
    if peaks:
        return f"Watched again most at {listed([curve.place(peak) for peak in peaks])}."
    again = curve.stretches[0].rewatches
    if not again:
        return "Nobody starts it over."
    return f"Started over {count(again, 'time')}; no other part stands out."


def tiers(found: tuple[tuple[str, int], ...]) -> str:
    """How many of the viewings are engaged."""
    pairs = sum(number for _, number in found)
    if not pairs:
        return NOTHING_WATCHED
    shares = {tier: 100 * number / pairs for tier, number in found}
    return (
        f"{percent(shares['High'])} of {count(pairs, 'viewer-video pair')} are in tier High, "
        f"{percent(shares['Minimal'])} in tier Minimal."
    )


def power_users(audience: Audience) -> str:
    """Who the power users are, and how much they watch."""
    found = audience.power_users
    if not found:
        return "No viewer has a video in tier High yet."
    share = 100 * sum(user.hours for user in found) / audience.hours if audience.hours else 0.0
    users = count(audience.users)
    first = [f"{name(user.user_id)} ({user.high_videos})" for user in found[:_USERS_NAMED]]
    return (
        f"Most videos in tier High: {listed(first)}. "
        f"The {count(len(found), 'viewer')} here are {percent(100 * len(found) / audience.users)} "
        f"of all {users} and watch {percent(share)} of the time."
    )


def rejected_rows(intake: Intake) -> str:
    """How much of the source was refused, and why."""
    if not intake.rejected:
        return f"None of {count(intake.kept, 'source row')} was rejected."
    rate = percent(100 * intake.rejected / (intake.kept + intake.rejected))
    reason, rows = intake.reasons[0] if intake.reasons else ("unknown", 0)
    undated = (
        f" {count(intake.undated, 'row')} without a readable time belong to no day."
        if intake.undated
        else ""
    )
    return (
        f"{count(intake.rejected, 'row')} ({rate}) of all days were rejected, most often for "
        f"{reason} ({count(rows)}).{undated}"
    )


def flagged_days(days: tuple[FlagDay, ...]) -> str:
    """Whether doubts become more."""
    if not days:
        return NOTHING_WATCHED
    lowest = min(day.flagged_rate for day in days)
    worst = max(days, key=lambda day: day.flagged_rate)
    if len(days) == 1:
        return f"{percent(worst.flagged_rate)} of the pairs carry a doubt."
    return (
        f"Between {percent(lowest)} and {percent(worst.flagged_rate)} of the pairs carry a doubt; "
        f"most on {short_day(worst.day)}."
    )


def flags(found: tuple[tuple[str, int], ...], totals: Totals) -> str:
    """Which doubt is the most frequent."""
    if not found:
        return "No pair carries a doubt."
    flag, pairs = found[0]
    return (
        f"{count(totals.flagged_pairs)} of {count(totals.pairs, 'pair')} carry a doubt, most often "
        f"{quoted(flag.replace('_', ' '))} ({percent(100 * pairs / totals.pairs)} of all pairs)."
    )


def missing_dates(missing: Missing) -> str:
    """How much of the daily views is missing, and when."""
    if not missing.per_day:
        return "No video misses a day."
    day, videos = max(missing.per_day, key=lambda found: found[1])
    return (
        f"{count(missing.dates, 'day')} of {count(missing.videos, 'video')} are missing; the worst "
        f"day is {full_day(day)}, with {count(videos, 'video')}."
    )


def _some_days(days: tuple[date, ...]) -> str:
    named = [full_day(day) for day in days[:_DAYS_NAMED]]
    more = len(days) - len(named)
    return listed([*named, f"{more} more"] if more else named)
