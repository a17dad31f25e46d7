"""What the page says of viewers who are left out, in several places, or not to finish."""

from collections.abc import Sequence

from video_assets.report.facts import Exclusion, Outlook, People, Video
from video_assets.report.rendering import Row
from video_assets.wording import count, full_day, hours, quoted

_IN_WORDS = {
    "listed": "on the list of staff and tests",
    "hours_a_day": "more hours a day than a person can watch",
    "plays_of_a_video": "one video more often a day than a person can",
    "places_at_once": "more places at once than a person can be in",
}


def left_out(people: People, videos: Sequence[Video]) -> str:
    """How many viewers rankings and curves leave out, and what that changes most."""
    if not people.exclusions:
        return "Nobody does more than a person can, and nobody is on the list of staff and tests."
    viewers = sum(exclusion.viewers for exclusion in people.exclusions)
    watched = hours(sum(exclusion.hours for exclusion in people.exclusions))
    if people.are_counted:
        return (
            f"{count(viewers, 'viewer')} with {watched} would be left out; rankings and curves "
            "count them, as the settings ask."
        )
    changed = max(videos, key=lambda video: video.excluded_hours, default=None)
    most = (
        f" With them, {quoted(changed.name)} would have "
        f"{hours(changed.hours + changed.excluded_hours)} instead of {hours(changed.hours)}."
        if changed and changed.excluded_hours
        else ""
    )
    return f"{count(viewers, 'viewer')} with {watched} are left out of rankings and curves.{most}"


def side_by_side(people: People) -> str:
    """How many viewers watch in several places at once, and how much of it."""
    if not people.in_several_places:
        return "No viewer watches in several places at once."
    return (
        f"Of all watch time {hours(people.simultaneous_hours)} ran beside another session of the "
        f"same viewer ({count(people.in_several_places, 'viewer')})."
    )


def exclusions(people: People) -> tuple[Row, Sequence[Row]]:
    """The columns and rows of the table of reasons."""
    return ("Reason", "Viewers", "Watch time"), [_row(each) for each in people.exclusions]


def unfinished(outlook: Outlook) -> str:
    """How many videos that were left will probably be completed."""
    return (
        f"Of {count(outlook.cases, 'time')} that a viewer opened a video and did not complete it, "
        f"about {count(round(outlook.expected))} will end in the 7 days after "
        f"{full_day(outlook.day)}; the others will probably not."
    )


def unfinished_videos(outlook: Outlook) -> tuple[Row, Sequence[Row]]:
    """The columns and rows of the table of videos that are left unfinished."""
    columns = ("Video", "Viewers who left it", "Expected to finish it")
    rows = [
        (video.name, count(video.viewers), f"{video.expected:,.1f}") for video in outlook.videos
    ]
    return columns, rows


def _row(exclusion: Exclusion) -> Row:
    reason = _IN_WORDS.get(exclusion.reason, exclusion.reason)
    return (reason, count(exclusion.viewers), hours(exclusion.hours))
