"""Video views of Mux Data."""

from pathlib import Path

from video_assets.sample_data.player_logs.story import (
    DEVICES,
    DURATION,
    TITLE,
    Moment,
    PlayerSample,
    Row,
    moments,
    watched,
    write_lines,
)

_VIDEO = "rivers-2025"
_NAMES = {
    "play": "playing",
    "pause": "pause",
    "seek": "seeking",
    "end": "ended",
    "beat": "timeupdate",
}


def write_mux(folder: Path) -> PlayerSample:
    """Views one a line, with their events inside, in milliseconds."""
    views: dict[str, Row] = {}
    for moment in moments():
        view = views.setdefault(f"{moment.user}-{moment.session}", _view(moment))
        view["events"].append(_event(moment, _NAMES[moment.act], moment.position))
        if moment.target is not None:
            view["events"].append(_event(moment, "seeked", moment.target))
    write_lines(folder / "views.jsonl", views.values())
    source = str(folder / "views.jsonl")
    return PlayerSample(source, watched(_VIDEO), ignored=len(views), devices=DEVICES)


def _view(moment: Moment) -> Row:
    return {
        "view_id": f"{moment.user}-{moment.session}",
        "viewer_user_id": moment.user,
        "mux_viewer_id": f"{moment.user}-browser",
        "video_id": _VIDEO,
        "video_title": TITLE,
        "video_duration": int(DURATION * 1000),
        "view_start": moment.iso_time,
        "viewer_device_category": DEVICES[moment.user],
        "events": [_event(moment, "viewstart", 0)],
    }


def _event(moment: Moment, name: str, position: float) -> Row:
    return {
        "viewer_time": int(moment.time.timestamp() * 1000),
        "playback_time": int(position * 1000),
        "name": name,
        "details": {},
    }
