"""What tracking libraries send: Segment, Snowplow and Google Analytics 4."""

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
_ADDRESS = "https://www.youtube.com/watch?v=rIveRs00001"
_PLAYBACK = {
    "play": "Video Playback Started",
    "pause": "Video Playback Paused",
    "seek": "Video Playback Seek Started",
    "end": "Video Playback Completed",
    "beat": "Video Content Playing",
}
_SNOWPLOW = "contexts_com_snowplowanalytics_snowplow_media"
_SNOWPLOW_NAMES = {
    "play": "play_event",
    "pause": "pause_event",
    "seek": "seek_start_event",
    "end": "end_event",
    "beat": "ping_event",
}


def write_segment(folder: Path) -> PlayerSample:
    """Track calls among pages and advertisements; Ben has not logged in."""
    rows: list[Row] = []
    for moment in moments():
        rows.append(_call(moment, _PLAYBACK[moment.act]))
        if moment.act == "seek":
            rows.append(_call(moment, "Video Playback Seek Completed"))
    advertisement = {**rows[0], "event": "Video Ad Started"}
    page = {**rows[0], "type": "page", "event": None, "properties": {"path": "/rivers"}}
    write_lines(folder / "calls.jsonl", [page, *rows, advertisement])
    source = str(folder / "calls.jsonl")
    return PlayerSample(source, watched(_VIDEO), ignored=3, devices=DEVICES)


def _call(moment: Moment, name: str) -> Row:
    completed = name.endswith("Seek Completed")
    content = name.startswith("Video Content")
    named = {"asset_id": _VIDEO} if content else {"content_asset_ids": [_VIDEO]}
    return {
        "type": "track",
        "event": name,
        "messageId": f"{moment.user}-{moment.seconds}-{name}",
        "userId": None if moment.user == "ben" else moment.user,
        "anonymousId": moment.user,
        "timestamp": moment.iso_time,
        "properties": {
            **named,
            "session_id": f"{moment.user}-{moment.session}",
            "position": moment.target if completed else moment.position,
            "seek_position": moment.target,
            "total_length": DURATION,
            "title": TITLE,
        },
        "context": {
            "library": {"name": "analytics.js"},
            "device": {"type": DEVICES[moment.user]},
        },
    }


def write_snowplow(folder: Path) -> PlayerSample:
    """Enriched events: Ann's and Ben's of version 2, Cleo's of version 1, which has a type."""
    rows: list[Row] = []
    for moment in moments():
        if moment.user == "cleo":
            rows.append(_enriched_1(moment))
            continue
        rows.append(_enriched(moment, _SNOWPLOW_NAMES[moment.act], moment.position))
        if moment.target is not None:
            rows.append(_enriched(moment, "seek_end_event", moment.target))
    page = {"event_name": "page_view", "derived_tstamp": rows[0]["derived_tstamp"]}
    write_lines(folder / "enriched.jsonl", [*rows, page])
    source = str(folder / "enriched.jsonl")
    return PlayerSample(source, watched(_VIDEO), ignored=1, title=_VIDEO, devices=DEVICES)


def _enriched(moment: Moment, name: str, position: float) -> Row:
    player = {"currentTime": position, "duration": DURATION, "label": _VIDEO, "paused": False}
    session = {"mediaSessionId": f"{moment.user}-{moment.session}", "pingInterval": 10}
    return {
        **_tracked(moment),
        "event_name": name,
        f"{_SNOWPLOW}_player_2": [player],
        f"{_SNOWPLOW}_session_1": [session],
    }


def _enriched_1(moment: Moment) -> Row:
    player = {"currentTime": moment.position, "duration": DURATION, "percentProgress": None}
    event = "unstruct_event_com_snowplowanalytics_snowplow_media_player_event_1"
    return {
        **_tracked(moment),
        "event_name": "media_player_event",
        event: {"type": moment.act, "label": _VIDEO},
        f"{_SNOWPLOW}_player_1": [player],
    }


def _tracked(moment: Moment) -> Row:
    return {
        "derived_tstamp": f"{moment.time:%Y-%m-%d %H:%M:%S.%f}",
        "user_id": None,
        "domain_userid": moment.user,
        "dvce_type": DEVICES[moment.user],
        "domain_sessionid": f"{moment.user}-{moment.session}",
    }


def write_ga4(folder: Path) -> PlayerSample:
    """Rows of the BigQuery export as JSON: lists of keys and values, numbers as text.

    Nothing tells a pause or a jump: there are marks at 10, 25, 50 and 75 %.
    """
    rows = [
        _ga_event("ann", 1, 0, "video_start", 0),
        *(
            _ga_event("ann", 1, second, "video_progress", position)
            for second, position in ((30, 30), (105, 75), (130, 200), (155, 225))
        ),
        _ga_event("ann", 1, 230, "video_complete", DURATION),
        _ga_event("ben", 1, 0, "video_start", 0),
        _ga_event("ben", 1, 30, "video_progress", 30),
        _ga_event("cleo", 1, 0, "video_start", 0),
        _ga_event("cleo", 1, 30, "video_progress", 30),
        _ga_event("cleo", 2, 86_400, "video_start", 0),
        _ga_event("cleo", 2, 86_415, "video_progress", 30),
    ]
    scroll = {**rows[0], "event_name": "scroll"}
    write_lines(folder / "events_20250304.jsonl", [*rows, scroll])
    source = str(folder / "events_20250304.jsonl")
    seconds = watched(_ADDRESS, ann=175.0, cleo=60.0)
    return PlayerSample(source, seconds, ignored=1, devices=DEVICES)


def _ga_event(user: str, session: int, second: int, name: str, position: float) -> Row:
    moment = Moment(user, session, second, name, position)
    params: list[Row] = [
        {"key": "ga_session_id", "value": {"int_value": f"{1741078800 + session}"}},
        {"key": "video_url", "value": {"string_value": _ADDRESS}},
        {"key": "video_title", "value": {"string_value": TITLE}},
        {"key": "video_current_time", "value": {"int_value": f"{position:.0f}"}},
        {"key": "video_duration", "value": {"int_value": f"{DURATION:.0f}"}},
    ]
    return {
        "event_date": f"{moment.time:%Y%m%d}",
        "event_timestamp": f"{int(moment.time.timestamp() * 1_000_000)}",
        "event_name": name,
        "event_params": params,
        "user_id": None,
        "user_pseudo_id": user,
        "device": {"category": DEVICES[user]},
    }
