"""Open edX tracking logs."""

import json
from pathlib import Path

from video_assets.sample_data.player_logs.story import (
    DURATION,
    STORY,
    Moment,
    PlayerSample,
    Row,
    moments,
    watched,
    write_lines,
)

COURSE = "course-v1:Sample+Rivers+2025"
BLOCK = "9b7bb6bd96bd4f8fa9d0ab3f1a2b6d0c"
# Without a context a block's own name tells the course.
OLD_BLOCK = "i4x-Sample-Rivers-video-9b7bb6bd96bd4f8fa9d0ab3f1a2b6d0c"
_BROWSER = {"play": "play_video", "pause": "pause_video", "seek": "seek_video", "end": "stop_video"}
_APP = {"play": "edx.video.played", "pause": "edx.video.paused"}


def write_openedx(folder: Path) -> PlayerSample:
    """Ann's browser, Ben's before 2014, Cleo's phone; pages, servers and a line that was cut."""
    rows: list[Row] = []
    for moment in moments(beats=False):
        if moment.user == "ann":
            rows.append(_of_browser(moment))
            if moment.act == "seek":  # The player goes on, and tells where it was.
                stale = Moment("ann", 1, moment.seconds + 0.2, "play", moment.position)
                rows.append(_of_browser(stale))
        elif moment.user == "ben":
            rows.append(_of_old_browser(moment))
        else:
            rows.append(_of_app(moment))
    others: list[Row] = [
        _other("load_video", json.dumps({"id": BLOCK, "code": "html5"})),
        _other("speed_change_video", json.dumps({"id": BLOCK, "current_time": 12})),
        _other("/courses/sample/progress", '{"POST": {}, "GET": {}}'),
        _other("problem_check", {"problem_id": "p1", "success": "correct"}),
    ]
    cut = json.dumps(others[0])[:300]
    write_lines(folder / "tracking.log", [*rows, *others, cut])
    return PlayerSample(
        source=str(folder / "tracking.log"),
        watched=_watched(),
        ignored=len(others),
        refused={"unparseable_row": 1},
        title=None,
        devices={"ann": "browser", "ben": "browser", "cleo": "ios"},
    )


def _watched() -> dict[tuple[str, str], float]:
    in_course = watched(f"{COURSE}/{BLOCK}", ben=0.0)
    return {
        (user, OLD_BLOCK if user == "ben" else video): seconds
        for (user, video), seconds in in_course.items()
    }


def _of_browser(moment: Moment) -> Row:
    """The envelope of today: `event` is JSON text, `name` repeats the type."""
    name = _BROWSER[moment.act]
    event = {"id": BLOCK, "code": "html5", "duration": DURATION}
    if moment.act == "seek":
        event |= {"type": "onSlideSeek", "old_time": moment.position, "new_time": moment.target}
    else:
        event |= {"currentTime": moment.position}
    return {
        "username": moment.user,
        "event_source": "browser",
        "name": name,
        "event_type": name,
        "time": moment.time.isoformat(timespec="microseconds"),
        "agent": "Mozilla/5.0",
        "session": "0123456789abcdef0123456789abcdef",
        "context": {"user_id": 7, "course_id": COURSE, "org_id": "Sample", "path": "/event"},
        "event": json.dumps(event),
        "ip": "192.0.2.7",
    }


def _of_old_browser(moment: Moment) -> Row:
    """The envelope of before 2014: no context, and so no course."""
    return {
        "username": moment.user,
        "event_source": "browser",
        "event_type": _BROWSER[moment.act],
        "time": moment.time.isoformat(timespec="microseconds"),
        "session": "fedcba9876543210fedcba9876543210",
        "event": json.dumps({"id": OLD_BLOCK, "currentTime": moment.position, "code": "html5"}),
        "page": "https://courses.example.org/rivers",
        "ip": "192.0.2.8",
    }


def _of_app(moment: Moment) -> Row:
    """An app's event as it came: an object, with names of its own."""
    name = _APP[moment.act]
    return {
        "username": moment.user,
        "event_source": "mobile",
        "name": name,
        "event_type": name,
        "time": moment.time.isoformat(timespec="microseconds"),
        "session": "",
        "context": {"user_id": 9, "course_id": COURSE, "client": {"device": {"type": "ios"}}},
        "event": {"module_id": BLOCK, "current_time": moment.position, "code": "mobile"},
        "ip": "192.0.2.9",
    }


def _other(name: str, event: str | Row) -> Row:
    return {**_of_browser(STORY[0]), "name": name, "event_type": name, "event": event}
