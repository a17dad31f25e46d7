"""Custom events in Azure Application Insights, as each way out of it writes them."""

import json
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
    "play": "video_play",
    "pause": "video_pause",
    "seek": "video_seek",
    "end": "video_ended",
    "beat": "video_heartbeat",
}
_RESOURCE = "resourceId=/SUBSCRIPTIONS/0/PROVIDERS/MICROSOFT.INSIGHTS/COMPONENTS/SAMPLE"


def write_appinsights(folder: Path) -> PlayerSample:
    """Ann's by diagnostic settings, Ben's of a classic table, Cleo's by continuous export."""
    export, classic, continuous = (list[Row]() for _ in range(3))
    for moment in moments():
        if moment.user == "ann":
            export.append(_app_event(moment))
        elif moment.user == "ben":
            classic.append(_custom_event(moment))
        else:
            continuous.append(_exported(moment))
    click = {**export[0], "Name": "clicked"}
    hour = folder / "insights-logs-appevents" / _RESOURCE / "y=2025/m=03/d=04/h=09/m=00"
    write_lines(hour / "PT1H.json", [*export, click])
    write_lines(folder / "customEvents.jsonl", classic)
    write_lines(folder / "sample_0/Event/2025-03-04/09/events.blob", continuous)
    return PlayerSample(f"{folder}/**/*.*", watched(_VIDEO), ignored=1, devices=DEVICES)


def _dimensions(moment: Moment) -> Row:
    """What belongs to an event: dimensions are texts."""
    values: Row = {
        "videoId": _VIDEO,
        "videoTitle": TITLE,
        "videoDuration": DURATION,
        "currentTime": moment.position,
        "seekTime": moment.target,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _app_event(moment: Moment) -> Row:
    """`AppEvents`: the position is a measurement."""
    dimensions = _dimensions(moment)
    numbers = {
        key: float(dimensions.pop(key)) for key in ("currentTime", "seekTime") if key in dimensions
    }
    return {
        "time": moment.iso_time,
        "category": "AppEvents",
        "Name": _NAMES[moment.act],
        "Properties": dimensions,
        "Measurements": numbers,
        "UserId": moment.user,
        "ClientType": DEVICES[moment.user],
        "SessionId": f"{moment.user}-{moment.session}",
        "ItemCount": 1,
    }


def _custom_event(moment: Moment) -> Row:
    """`customEvents`: dimensions are text that is JSON."""
    return {
        "timestamp": moment.iso_time,
        "name": _NAMES[moment.act],
        "customDimensions": json.dumps(_dimensions(moment)),
        "user_Id": moment.user,
        "client_Type": DEVICES[moment.user],
        "session_Id": f"{moment.user}-{moment.session}",
        "itemCount": 1,
    }


def _exported(moment: Moment) -> Row:
    """A continuous export: everything in lists."""
    dimensions = [{name: value} for name, value in _dimensions(moment).items()]
    return {
        "event": [{"name": _NAMES[moment.act], "count": 1}],
        "context": {
            "data": {"eventTime": moment.iso_time},
            "device": {"type": DEVICES[moment.user]},
            "user": {"anonId": moment.user},
            "session": {"id": f"{moment.user}-{moment.session}"},
            "custom": {"dimensions": dimensions},
        },
    }
