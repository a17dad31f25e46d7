"""The lists of videos beside the page: files that search, sort and save by themselves.

One is of all videos; the others are of a period, or of the sessions with a value, or of both.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby

from markupsafe import Markup

from video_assets.days import SECONDS_PER_HOUR
from video_assets.plots import DARK, LIGHT
from video_assets.report import figures, period_tiles
from video_assets.report.addresses import LIST_FILE, LISTS, file_name, page_of
from video_assets.report.facts import Choice, Filter, PeriodVideo, Report
from video_assets.report.period_lists import PeriodList
from video_assets.report.rendering import TEMPLATES, Row
from video_assets.wording import clock, count, full_day, name, or_unknown

# More of them are no choice.
GROUPS_NAMED = 200

_SCRIPT = "videos.js"
_PERIOD_COLUMNS = (
    *("Video", "Watch time, h", "Change, %", "Plays", "Sessions", "Average view duration"),
    *("Completions", "New to it", "Length"),
)


@dataclass(frozen=True)
class Least:
    """The number of which one can ask for a minimum: what it is called, and its column."""

    title: str
    column: int


@dataclass(frozen=True)
class Entry:
    """A video of a list, with its page where it has one, and what stands after its name."""

    video_id: str
    name: str
    page: str | None
    cells: Row


@dataclass(frozen=True)
class Content:
    """What a list shows.

    Attributes:
        of: so many videos there are, also those that it leaves out.
        choice: its period; None before the first day is over.
        filter: whose sessions count; None: everybody's.
        is_of_period: it is no list of all videos over all time.
    """

    title: str
    note: str
    columns: Row
    least: Least
    entries: Sequence[Entry]
    of: int
    choice: Choice | None
    filter: Filter | None
    is_of_period: bool


@dataclass(frozen=True)
class Way:
    """Another list, or the one that is shown; None where it would be empty."""

    title: str
    file: str | None
    is_here: bool


@dataclass(frozen=True)
class Lists:
    """The lists of a report."""

    report: Report

    def all_videos(self) -> str:
        """All videos as one HTML document, with everything that is known of each."""
        report = self.report
        return self._document(
            Content(
                title="All videos",
                note="",
                columns=figures.LIST_COLUMNS,
                least=Least("Viewers", figures.LIST_COLUMNS.index("Viewers")),
                entries=[
                    Entry(each.video_id, each.name, page_of(each.video_id), figures.list_row(each))
                    for each in report.videos
                ],
                of=report.totals.videos,
                choice=next((each for each in report.choices if each.trend.is_all), None),
                filter=None,
                is_of_period=False,
            )
        )

    def of_period(self, found: PeriodList) -> str:
        """The videos of a period, or of a filter, as one HTML document."""
        now = found.choice.trend.now
        of = f" with {period_tiles.filter_name(found.filter)}" if found.filter else ""
        return self._document(
            Content(
                title=f"Videos, {period_tiles.named(found.choice)}{of}",
                note=f"{full_day(now.first)} to {full_day(now.last)}.",
                columns=_PERIOD_COLUMNS,
                least=Least("Sessions", _PERIOD_COLUMNS.index("Sessions")),
                entries=[
                    Entry(each.video_id, each.name, self._page_of(each.video_id), _cells(each))
                    for each in found.videos
                ],
                of=found.number,
                choice=found.choice,
                filter=found.filter,
                is_of_period=True,
            )
        )

    def file_of(self, choice: Choice, chosen: Filter | None) -> str | None:
        """The list of a period and a filter; None where it would be empty."""
        if chosen is None:
            if choice.trend.is_all:
                return LIST_FILE
            return f"{LISTS}/{choice.key}.html" if choice.videos else None
        if not any(found.filter == chosen for found in choice.narrowed):
            return None
        of = file_name(f"{chosen.dimension}\0{chosen.value}")
        return f"{LISTS}/{choice.key}-{of}.html"

    @cached_property
    def _with_page(self) -> frozenset[str]:
        return frozenset(video.video_id for video in self.report.videos)

    @cached_property
    def _places(self) -> Mapping[str | None, int]:
        """The channels or courses that lists can be cut down to: those of most videos first."""
        of_videos = (self.report.groups.get(video.video_id) for video in self.report.videos)
        most = Counter(name for name in of_videos if name is not None).most_common(GROUPS_NAMED)
        return {name: number for number, (name, _) in enumerate(most)}

    def _page_of(self, video_id: str) -> str | None:
        return f"../{page_of(video_id)}" if video_id in self._with_page else None

    def _document(self, content: Content) -> str:
        script = TEMPLATES.get_template(_SCRIPT).render()
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        groups, places = self.report.groups, self._places
        numbers = [places.get(groups.get(each.video_id), -1) for each in content.entries]
        choice, chosen = content.choice, content.filter
        return TEMPLATES.get_template(LIST_FILE).render(
            content=content,
            written_at=self.report.written_at,
            periods=[] if choice is None else list(self._periods(choice, chosen)),
            filters=[] if choice is None else list(self._filters(choice, chosen)),
            root="../" if content.is_of_period else "",
            groups=list(places),
            group_numbers=numbers,
            light=asdict(LIGHT),
            dark=asdict(DARK),
            # A file of this package, in which nothing is of the data.
            script=Markup(script),  # noqa: S704 (as above)
            script_hash=f"sha256-{digest}",
        )

    def _periods(self, here: Choice, chosen: Filter | None) -> Iterator[Way]:
        """The same filter in each period."""
        for choice in self.report.choices:
            title = period_tiles.named(choice)
            yield Way(title, self.file_of(choice, chosen), choice == here)

    def _filters(self, choice: Choice, here: Filter | None) -> Iterator[tuple[str, list[Way]]]:
        """Each filter in the same period, by dimension; first nobody is left out."""
        if not self.report.filters:
            return
        yield "Viewers", [Way("Everybody", self.file_of(choice, None), here is None)]
        for dimension, own in groupby(self.report.filters, lambda each: each.dimension):
            ways = [Way(name(each.value), self.file_of(choice, each), each == here) for each in own]
            yield name(dimension).capitalize(), ways


def _cells(video: PeriodVideo) -> Row:
    """What stands after the name of a video, in numbers that a script can read."""
    now = video.now
    before = video.before.seconds if video.before else 0.0
    change = f"{100 * (now.seconds / before - 1):+,.1f}" if before else "none"
    return (
        f"{now.seconds / SECONDS_PER_HOUR:,.2f}",
        change,
        or_unknown(now.plays, count),
        count(now.sessions),
        clock(now.average_view),
        count(now.completions),
        count(now.new_viewers),
        or_unknown(video.duration, clock),
    )
