"""Statements and events of learning platforms: xAPI and Caliper."""

from pathlib import Path

from video_assets.sample_data.player_logs.story import (
    DURATION,
    TITLE,
    Moment,
    PlayerSample,
    Row,
    moments,
    watched,
    write_lines,
)

_VIDEO = "https://example.org/videos/rivers"
_HOME = "https://lms.example.org"
_XAPI = "https://w3id.org/xapi/video"
_ADL = "http://adlnet.gov/expapi/verbs"
_VERBS = {"play": "played", "pause": "paused", "seek": "seeked", "end": "paused"}
# What the player says it has played, by user and the position at which a statement ends playing.
_PLAYED = {
    ("ann", 60): "0[.]60",
    ("ann", 300): "0[.]60[,]60[.]100[,]200[.]300",
    ("cleo", 45.5): "0[.]45.5",
    ("cleo", 40): "0[.]40",
}
_ACTIONS = {"play": "Resumed", "pause": "Paused", "seek": "JumpedTo", "end": "Ended"}


def write_xapi(folder: Path) -> PlayerSample:
    """Statements one a line, and Cleo's as a record store answers: a page of statements.

    The video pauses at its end; that it was completed, and that its page was closed, follows.
    """
    rows: list[Row] = []
    page: list[Row] = []
    for moment in moments(beats=False):
        into = page if moment.user == "cleo" else rows
        into.append(_statement(moment, f"{_XAPI}/verbs/{_VERBS[moment.act]}"))
        if moment.act == "end":
            rows.append(_statement(moment, f"{_ADL}/completed"))
            rows.append(_statement(moment, f"{_ADL}/terminated"))
    answered = {**rows[0], "verb": {"id": f"{_ADL}/answered"}, "object": {"id": f"{_HOME}/q/1"}}
    write_lines(folder / "statements.jsonl", [*rows, answered])
    write_lines(folder / "page.json", [{"more": "/xapi/statements?p=2", "statements": page}])
    video = watched(_VIDEO, ben=0.0)
    return PlayerSample(
        source=str(folder),
        watched={(f"{_HOME}/{user}", name): seconds for (user, name), seconds in video.items()},
        ended=(),
        ignored=2,
    )


def _statement(moment: Moment, verb: str) -> Row:
    result: Row = {"time": moment.position}
    if moment.target is not None:
        result = {"time-from": moment.position, "time-to": moment.target}
    if played := _PLAYED.get((moment.user, moment.position)):
        result["played-segments"] = played
    return {
        "id": f"{moment.user}-{moment.seconds}-{verb}",
        "actor": {"account": {"homePage": _HOME, "name": moment.user}, "objectType": "Agent"},
        "verb": {"id": verb},
        "object": {
            "id": _VIDEO,
            "definition": {"name": {"en-US": TITLE}, "type": f"{_XAPI}/activity-type/video"},
        },
        "result": {"extensions": {f"{_XAPI}/extensions/{key}": of for key, of in result.items()}},
        "context": {
            "extensions": {
                f"{_XAPI}/extensions/session-id": f"{moment.user}-{moment.session}",
                f"{_XAPI}/extensions/length": DURATION,
            }
        },
        "timestamp": moment.iso_time,
    }


def write_caliper(folder: Path) -> PlayerSample:
    """Events one a line, and Cleo's in an envelope; some objects are described, some are not."""
    rows = [_event(moment) for moment in moments(beats=False)]
    sent = [row for row in rows if "cleo" in str(row["actor"])]
    envelope = {"sensor": _HOME, "sendTime": sent[-1]["eventTime"], "data": sent}
    muted = {**rows[0], "action": "Muted"}
    write_lines(folder / "events.jsonl", [row for row in rows if row not in sent] + [muted])
    write_lines(folder / "envelope.json", [envelope])
    video = watched(_VIDEO, ann=160.0, ben=0.0)
    return PlayerSample(
        source=str(folder),
        watched={(f"{_HOME}/{user}", name): seconds for (user, name), seconds in video.items()},
        ignored=1,
    )


def _event(moment: Moment) -> Row:
    actor: str | Row = f"{_HOME}/{moment.user}"
    position = moment.position if moment.target is None else moment.target
    minutes, seconds = divmod(position, 60)
    return {
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": f"urn:uuid:{moment.user}-{moment.seconds}",
        "type": "MediaEvent",
        "profile": "MediaProfile",
        "actor": actor if moment.user == "ann" else {"id": actor, "type": "Person"},
        "action": "Started" if moment.position == 0 else _ACTIONS[moment.act],
        "object": {"id": _VIDEO, "type": "VideoObject", "name": TITLE, "duration": "PT5M"},
        "target": {"type": "MediaLocation", "currentTime": f"PT{minutes:.0f}M{seconds:g}S"},
        "eventTime": moment.iso_time,
        "session": f"{_HOME}/sessions/{moment.user}-{moment.session}",
    }
