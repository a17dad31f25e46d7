from support.checks import Checked, event, sample_of, session, value

from video_assets.engagement.tables import SESSIONS, VIDEO_METADATA


def test_videos_whose_durations_are_known_pass_every_check(checked: Checked) -> None:
    checked.raw(event(2))
    checked.sessions(session(2, furthestSeen=299.0))
    checked.holds(VIDEO_METADATA, [{"videoId": "v1", "duration": 300.0, "title": None}])
    assert checked.failing(VIDEO_METADATA) == []


def test_watched_videos_without_a_duration_are_reported(checked: Checked) -> None:
    checked.sessions(session(2), session(2, videoId="v2"))
    rows = [
        {"videoId": "v1", "duration": 300.0, "title": None},
        {"videoId": "v2", "duration": None, "title": "lost"},
    ]
    checked.holds(VIDEO_METADATA, rows)
    said = checked.results(VIDEO_METADATA)["durations_known"]
    assert not said.passed
    assert value(said, "share") == 0.5
    assert sample_of(said) == [{"videoId": "v2"}]


def test_videos_that_were_watched_beyond_their_duration_are_reported(checked: Checked) -> None:
    checked.sessions(session(2, furthestSeen=304.0), session(2, videoId="v2", furthestSeen=306.0))
    rows = [{"videoId": name, "duration": 300.0, "title": None} for name in ("v1", "v2")]
    checked.holds(VIDEO_METADATA, rows)
    said = checked.results(VIDEO_METADATA)["durations_reach_positions"]
    assert [row["videoId"] for row in sample_of(said)] == ["v2"]


def test_where_no_metadata_is_there_nothing_is_said_of_it(checked: Checked) -> None:
    checked.sessions(session(2))
    checked.holds(VIDEO_METADATA, [])
    assert checked.results(VIDEO_METADATA) == {}
    assert SESSIONS.name
