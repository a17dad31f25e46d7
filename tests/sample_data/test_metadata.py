"""Video metadata of a sample."""

from support.samples import Sample


def test_one_video_is_missing_and_the_rest_is_there_once(sample: Sample) -> None:
    ids = sample.metadata["videoId"].to_pylist()
    assert len(set(ids)) == len(ids) == sample.summary.videos == sample.spec.videos - 1


def test_a_few_videos_have_no_duration(sample: Sample) -> None:
    assert 1 <= sample.metadata["duration"].null_count <= 6


def test_the_worked_example_s_video_lasts_300_seconds_and_has_a_title(sample: Sample) -> None:
    first = sample.metadata.slice(0, 1).to_pylist()[0]
    assert (first["videoId"], first["duration"]) == ("video_001", 300.0)
    assert first["title"]


def test_every_title_is_there_and_names_its_video(sample: Sample) -> None:
    titles = sample.metadata["title"].to_pylist()
    assert len(set(titles)) == len(titles)
    assert all(" 12: " in title for title in titles[11:12])


def test_no_event_lies_behind_the_end_of_its_video(sample: Sample) -> None:
    duration = dict(
        zip(*sample.metadata.select(["videoId", "duration"]).to_pydict().values(), strict=True)
    )
    events = sample.events.select(["videoId", "currentTime"]).to_pylist()
    known = [
        row for row in events if duration.get(row["videoId"]) and row["currentTime"] is not None
    ]
    assert not [row for row in known if row["currentTime"] > duration[row["videoId"]]]
