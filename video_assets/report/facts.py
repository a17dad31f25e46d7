"""What the report knows: a few small figures of each table, without Spark or Dagster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from video_assets.analytics.peaks import peaks
from video_assets.days import SECONDS_PER_HOUR
from video_assets.wording import clock, name, quoted, title_or_id


@dataclass(frozen=True)
class Limits:
    """What the checks of the tables tolerate, as the settings say; shares between 0 and 1."""

    rejected_share: float
    flagged_share: float
    tier_high: float
    tier_medium: float
    tier_low: float


@dataclass(frozen=True)
class Totals:
    """All rows of engagement together; a pair is one viewer and one video."""

    viewers: int
    videos: int
    pairs: int
    completed_pairs: int
    flagged_pairs: int
    watch_hours: float
    newest_event: datetime | None
    computed_at: datetime | None

    @property
    def completion_rate(self) -> float:
        """Pairs in which the viewer completed the video, in percent."""
        return percentage(self.completed_pairs, self.pairs)

    @property
    def flagged_rate(self) -> float:
        """Pairs with a data quality flag, in percent."""
        return percentage(self.flagged_pairs, self.pairs)


@dataclass(frozen=True)
class WatchDay:
    """What was watched on one UTC day."""

    day: date
    hours: float
    viewers: int


@dataclass(frozen=True)
class Period:
    """The viewing of all days from the first to the last.

    Attributes:
        returning: of the viewers, those first seen before the period; None where the data begin
            with it.
        sessions: begun within the period; each is of one viewer and one video.
        seconds: watched.
        plays: times that play was pressed; None where older rows do not tell.
    """

    first: date
    last: date
    viewers: int
    returning: int | None
    sessions: int
    seconds: float
    plays: int | None = None

    @property
    def days(self) -> int:
        """Length of the period."""
        return (self.last - self.first).days + 1

    @property
    def average_view(self) -> float:
        """Seconds watched per session."""
        return self.seconds / self.sessions if self.sessions else 0.0


@dataclass(frozen=True)
class Trend:
    """A period and the one of as many days before it; None where the data do not reach back.

    Attributes:
        is_all: the period is all days that are known.
    """

    now: Period
    before: Period | None
    is_all: bool = False


@dataclass(frozen=True)
class ViewTrend:
    """The platform's views of all days from the first to the last.

    Attributes:
        before: of as many days before; None where the data do not reach back, or where something
            else counted as a view.
    """

    first: date
    last: date
    views: int
    before: int | None


@dataclass(frozen=True)
class Sums:
    """What happened on some days, added up.

    Attributes:
        sessions: begun on them; each is of one viewer and one video.
        seconds: watched.
        plays: times that play was pressed; None where older rows do not tell.
        completions: times that a video ran to its end.
        new_viewers: pairs of a viewer and a video whose first day is among them.
        forward_skips: jumps ahead.
    """

    sessions: int
    seconds: float
    plays: int | None
    completions: int
    new_viewers: int
    forward_skips: int

    @property
    def average_view(self) -> float:
        """Seconds watched per session."""
        return self.seconds / self.sessions if self.sessions else 0.0


@dataclass(frozen=True)
class PeriodVideo:
    """A video in a period.

    Attributes:
        duration: in seconds; None where it is unknown.
        before: of as many days before; None where the data do not reach back.
    """

    video_id: str
    title: str | None
    duration: float | None
    now: Sums
    before: Sums | None

    @property
    def name(self) -> str:
        """What it is called."""
        return title_or_id(self.title, self.video_id)


@dataclass(frozen=True)
class Filter:
    """What the report can be narrowed to: the sessions with one value of a dimension."""

    dimension: str
    value: str


@dataclass(frozen=True)
class Narrowed:
    """What a filter leaves of a period.

    Attributes:
        before: of as many days before; None where the data do not reach back.
        videos: those watched longest, most first.
    """

    filter: Filter
    now: Sums
    before: Sums | None
    videos: tuple[PeriodVideo, ...]


@dataclass(frozen=True)
class Views:
    """The platform's daily views: of each of the newest days, and of all.

    Attributes:
        definition_changes: days from which something else counts as a view, and what.
    """

    per_day: tuple[tuple[date, int], ...]
    total: int
    definition_changes: tuple[tuple[date, str], ...] = ()

    def definition_changed(self, first: date, last: date) -> bool:
        """Whether views of the days cannot be compared or added up."""
        return any(first < day <= last for day, _ in self.definition_changes)


@dataclass(frozen=True)
class Video:
    """One video with all of its viewers; times in seconds, shares in percent.

    Attributes:
        valid_plays: None where older rows do not tell it, and so are the next two.
        reached_end: by position.
        speed: seconds of video a second of wall clock.
        excluded_viewers: who are in no other number.
        excluded_hours: what these watched, beside `hours`.
    """

    video_id: str
    title: str | None
    viewers: int
    plays: int
    sessions: int
    hours: float
    watched: float
    completion_rate: float
    drop_off: float | None
    duration: float
    is_duration_estimated: bool
    valid_plays: int | None = None
    reached_end: float | None = None
    speed: float | None = None
    excluded_viewers: int = 0
    excluded_hours: float = 0.0

    @property
    def average_view(self) -> float:
        """Seconds watched per session."""
        return SECONDS_PER_HOUR * self.hours / self.sessions if self.sessions else 0.0

    @property
    def name(self) -> str:
        """What it is called."""
        return title_or_id(self.title, self.video_id)


@dataclass(frozen=True)
class Stretch:
    """A piece of a video, `start <= position < end` in seconds."""

    start: float
    end: float
    viewers: int
    rewatches: int
    exits: int


@dataclass(frozen=True)
class Moment:
    """A piece of a video that stands out, `start <= position < end` in seconds.

    Attributes:
        number: of views, or of viewers.
    """

    start: float
    end: float
    number: int


@dataclass(frozen=True)
class Chapter:
    """A part of a video with a title, from `start` in seconds to the next one."""

    start: float
    title: str


def chapter_at(chapters: Sequence[Chapter], position: float) -> Chapter | None:
    """The last of chapters in order that begins at a position or before it."""
    return next((c for c in reversed(chapters) if c.start <= position), None)


@dataclass(frozen=True)
class Curve:
    """Where in a video people are, and where they watch again.

    Attributes:
        opening: viewers who watched any of the first bucket.
        idle: viewers who opened the video and watched nothing.
        bucket_seconds: width of a bucket.
        chapters: in their order; empty where none are known.
        relative: mean of `relativeRetention` over its parts; None where it is unknown.
        lost: where most leave for good before the last part; None where nobody does.
    """

    video: Video
    stretches: tuple[Stretch, ...]
    opening: int
    idle: int
    bucket_seconds: int
    chapters: tuple[Chapter, ...] = ()
    relative: float | None = None
    lost: Moment | None = None

    def within(self, start: float) -> str:
        """The chapter of a position, as what follows the position in a sentence."""
        chapter = chapter_at(self.chapters, start)
        return f" in {quoted(name(chapter.title))}" if chapter else ""

    def place(self, stretch: Stretch) -> str:
        """Where a stretch is as people read it: its start, or a wide one's end too."""
        is_wide = stretch.end - stretch.start > self.bucket_seconds
        until = f" to {clock(stretch.end)}" if is_wide else ""
        return f"{clock(stretch.start)}{until}{self.within(stretch.start)}"

    @property
    def later(self) -> int:
        """Viewers who watched something, and nothing of the first bucket."""
        return self.video.viewers - self.opening - self.idle

    @property
    def rewatch_peaks(self) -> tuple[Stretch, ...]:
        """Stretches that are watched again more than what is around them, highest first."""
        tops = peaks([stretch.rewatches for stretch in self.stretches])
        found = (self.stretches[top] for top in tops)
        return tuple(sorted(found, key=lambda stretch: (-stretch.rewatches, stretch.start)))

    def coarser(self, stretches: int) -> tuple[Stretch, ...]:
        """The curve in at most so many stretches: the largest of each count, and all exits."""
        size = -(-len(self.stretches) // stretches)
        starts = range(0, len(self.stretches), max(1, size))
        return tuple(_together(self.stretches[start : start + size]) for start in starts)


def _together(stretches: Sequence[Stretch]) -> Stretch:
    return Stretch(
        stretches[0].start,
        stretches[-1].end,
        max(stretch.viewers for stretch in stretches),
        max(stretch.rewatches for stretch in stretches),
        sum(stretch.exits for stretch in stretches),
    )


@dataclass(frozen=True)
class PowerUser:
    """A viewer with many videos in the tier High; shares in percent."""

    user_id: str
    high_videos: int
    videos: int
    completed_videos: int
    hours: float
    watched: float
    last_seen: datetime


@dataclass(frozen=True)
class Audience:
    """The power users, and all users that they are part of."""

    users: int
    hours: float
    users_with_high: int
    power_users: tuple[PowerUser, ...]


@dataclass(frozen=True)
class Exclusion:
    """The viewers whom rankings and curves leave out for one reason, and what they watched."""

    reason: str
    viewers: int
    hours: float


@dataclass(frozen=True)
class People:
    """Who is no audience, and who watches in several places at once.

    Attributes:
        exclusions: most hours first.
        are_counted: settings ask to count them all the same.
        in_several_places: viewers with sessions that ran side by side.
        simultaneous_hours: of all watch time, what ran beside another session of the viewer.
    """

    exclusions: tuple[Exclusion, ...]
    are_counted: bool
    in_several_places: int
    simultaneous_hours: float


@dataclass(frozen=True)
class Unfinished:
    """A video that viewers opened and did not complete.

    Attributes:
        viewers: so many of them.
        expected: of these, to complete it within a week, by the forecast.
    """

    video_id: str
    title: str | None
    viewers: int
    expected: float

    @property
    def name(self) -> str:
        """What it is called."""
        return title_or_id(self.title, self.video_id)


@dataclass(frozen=True)
class Outlook:
    """The forecast of completion: all cases of a viewer and a video, and the videos with most.

    Attributes:
        day: the newest that it knows; it is about the week after it.
        cases: opened and not completed.
        expected: of these, to be completed in that week.
        videos: those that most viewers will probably not complete, those first.
    """

    day: date
    cases: int
    expected: float
    videos: tuple[Unfinished, ...]


@dataclass(frozen=True)
class QualityDay:
    """Source rows of one UTC day, kept and refused; repeated rows count in neither."""

    day: date
    kept: int
    rejected: int

    @property
    def rejected_rate(self) -> float:
        """Refused rows, in percent."""
        return percentage(self.rejected, self.kept + self.rejected)


@dataclass(frozen=True)
class FlagDay:
    """Pairs whose last event was on one UTC day."""

    day: date
    pairs: int
    flagged: int

    @property
    def flagged_rate(self) -> float:
        """Pairs with a data quality flag, in percent."""
        return percentage(self.flagged, self.pairs)


@dataclass(frozen=True)
class Intake:
    """The source rows of the player events: the days shown, and all of them."""

    days: tuple[QualityDay, ...]
    kept: int
    rejected: int
    undated: int
    days_without_events: tuple[date, ...]
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Missing:
    """The days on which videos should have daily views and have none."""

    per_day: tuple[tuple[date, int], ...]
    videos: int
    dates: int
    rows_there: int

    @property
    def missing_rate(self) -> float:
        """Missing days of all days that videos should have, in percent."""
        return percentage(self.dates, self.dates + self.rows_there)


@dataclass(frozen=True)
class Group:
    """The viewing of all sessions with one value of a dimension."""

    value: str
    sessions: int
    seconds: float
    completions: int
    forward_skips: int

    @property
    def average_view(self) -> float:
        """Seconds watched per session."""
        return self.seconds / self.sessions if self.sessions else 0.0


@dataclass(frozen=True)
class Dimension:
    """The values of a dimension that have most sessions, those first."""

    name: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Choice:
    """A period that people can choose, and what happened in it.

    Attributes:
        views: the platform's; None where there are none, or not of so many days.
        videos: those watched longest, most first.
        dimensions: sessions by what is known of them.
        narrowed: what is left of it by each filter that leaves any session.
    """

    trend: Trend
    views: ViewTrend | None = None
    videos: tuple[PeriodVideo, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    narrowed: tuple[Narrowed, ...] = ()

    @property
    def key(self) -> str:
        """What tells it apart from the others: its days, or `all`."""
        return "all" if self.trend.is_all else str(self.trend.now.days)


@dataclass(frozen=True)
class Outcome:
    """One metric of a variant beside the control; None where nothing tells.

    Attributes:
        lower: the difference is at least so large, however often one looks.
        upper: and at most so large.
        is_different: None also where the split of viewers does not fit the plan.
        smallest: difference that would be found.
    """

    metric: str
    mean: float | None
    control_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    is_different: bool | None
    smallest: float | None


@dataclass(frozen=True)
class Trial:
    """A variant of an experiment beside its control.

    Attributes:
        experiment: name of its dimension.
        split_fits: whether viewers came in the planned shares; None without viewers.
        of_several: viewers of several variants, who are left out.
    """

    experiment: str
    variant: str
    control: str
    viewers: int
    control_viewers: int
    split_fits: bool | None
    of_several: int
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Report:
    """Everything on the page.

    Attributes:
        forecast_finding: why there is an outlook, or none; None where nothing tells.
        unfinished: days whose numbers are those so far, ascending.
        groups: channel or course of the videos that have one.
        filters: what it can be narrowed to, with the hours watched on each day that has any.
    """

    written_at: datetime
    limits: Limits
    totals: Totals
    choices: tuple[Choice, ...]
    days: tuple[WatchDay, ...]
    views: Views | None
    videos: tuple[Video, ...]
    top_videos: tuple[Video, ...]
    best_held: tuple[Video, ...]
    worst_held: tuple[Video, ...]
    curves: tuple[Curve, ...]
    tiers: tuple[tuple[str, int], ...]
    audience: Audience
    people: People
    intake: Intake
    flag_days: tuple[FlagDay, ...]
    flags: tuple[tuple[str, int], ...]
    missing: Missing | None
    trials: tuple[Trial, ...] = ()
    outlook: Outlook | None = None
    forecast_finding: str | None = None
    unfinished: tuple[date, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[Filter, Mapping[date, float]] = field(default_factory=dict)


def percentage(part: float, whole: float) -> float:
    """The part in percent of the whole; 0 of nothing."""
    return 100 * part / whole if whole else 0.0
