"""The list of all videos beside the page: a file that searches, sorts and saves by itself."""

import base64
import hashlib
from collections import Counter
from dataclasses import asdict, dataclass

from markupsafe import Markup

from video_assets.plots import DARK, LIGHT
from video_assets.report import figures
from video_assets.report.facts import Report
from video_assets.report.rendering import TEMPLATES
from video_assets.report.video_page import page_of

LIST_FILE = "videos.html"
# More of them are no choice.
GROUPS_NAMED = 200

_SCRIPT = "videos.js"


@dataclass(frozen=True)
class Groups:
    """The channels or courses that the list can be cut down to.

    Attributes:
        names: those of most videos first.
        of_videos: of each video in the list the place of its name; -1 without one.
    """

    names: tuple[str, ...]
    of_videos: list[int]


def video_list(report: Report) -> str:
    """All videos as one HTML document; its own script alone may run in it."""
    script = TEMPLATES.get_template(_SCRIPT).render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return TEMPLATES.get_template(LIST_FILE).render(
        report=report,
        columns=figures.LIST_COLUMNS,
        row=figures.list_row,
        page_of=page_of,
        groups=_groups(report),
        light=asdict(LIGHT),
        dark=asdict(DARK),
        # A file of this package, in which nothing is of the data.
        script=Markup(script),  # noqa: S704 (as above)
        script_hash=f"sha256-{digest}",
    )


def _groups(report: Report) -> Groups:
    of_videos = [report.groups.get(video.video_id) for video in report.videos]
    most = Counter(name for name in of_videos if name is not None).most_common(GROUPS_NAMED)
    place = {name: number for number, (name, _) in enumerate(most)}
    return Groups(tuple(place), [-1 if n is None else place.get(n, -1) for n in of_videos])
