"""Chapters of videos: what is read, what is refused, and what the page says of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.html_pages import parsed
from support.report_facts import HOSTILE, WRITTEN, buckets, detail, full_report, video

from video_assets.report.chapters import read_chapters
from video_assets.report.facts import Chapter
from video_assets.report.page import page
from video_assets.report.video_page import video_page
from video_assets.sources.errors import SourceError

WEBVTT = """WEBVTT - chapters of a lecture

NOTE made by hand
--> is no cue here

STYLE
::cue { color: red }

1
00:00:00.000 --> 00:01:00.000 align:start
<v Ann>What &amp; why</v>

01:00.500 --> 02:00.000
How it
works

1:00:00.000 --> 1:10:00.000
The end
"""


def test_a_table_of_chapters_is_read_by_video_and_in_order(tmp_path: Path) -> None:
    file = tmp_path / "chapters.csv"
    rows = ["a,1:00:05,Later", 'a,0,"First, and best"', "b,2:03.5,B", "c,1,not wanted", "a,0,First"]
    file.write_text("\ufeff" + "\r\n".join(["videoId,start,title,more", *rows]), "utf-8")
    found = read_chapters(str(file), {"a", "b", "d"})
    assert found.of_videos == {
        "a": (Chapter(0.0, "First"), Chapter(3605.0, "Later")),
        "b": (Chapter(123.5, "B"),),
    }
    assert found.refused == ()


def test_webvtt_files_are_read_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "a.vtt").write_text(WEBVTT.replace("\n", "\r\n"), "utf-8", newline="")
    (tmp_path / "notwanted.vtt").write_text("no chapters at all")
    found = read_chapters(str(tmp_path), {"course/a", "../secret"})
    assert found.of_videos == {
        "course/a": (
            Chapter(0.0, "What & why"),
            Chapter(60.5, "How it works"),
            Chapter(3600.0, "The end"),
        )
    }
    assert found.refused == ()


def test_what_is_no_chapter_is_said(tmp_path: Path) -> None:
    file = tmp_path / "chapters.csv"
    rows = ["a,soon,Title", "a,5,", ",5,Title", "a", "a,7,Good"]
    file.write_text("\n".join(["videoId,start,title", *rows]))
    found = read_chapters(str(file), {"a"})
    assert found.of_videos == {"a": (Chapter(7.0, "Good"),)}
    assert found.refused == tuple(f"{file}, line {n}: is no chapter." for n in (2, 3, 4, 5))


def test_webvtt_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text("1\n00:00 --> 00:10\nTitle\n")
    (tmp_path / "b.vtt").write_text("WEBVTT\n\nsoon --> later\nTitle\n\n00:10 --> 00:20\n\n")
    found = read_chapters(str(tmp_path), {"a", "b"})
    assert found.of_videos == {}
    assert found.refused == (
        f"{tmp_path}/a.vtt: does not begin with WEBVTT.",
        f"{tmp_path}/b.vtt: 'soon --> later' is no chapter.",
        f"{tmp_path}/b.vtt: '00:10 --> 00:20' is no chapter.",
    )


def test_chapters_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there are no chapters\. Name a CSV file"):
        read_chapters(str(tmp_path / "nowhere"), {"a"})
    file = tmp_path / "chapters.csv"
    file.write_text("video,start,title\n")
    with pytest.raises(SourceError, match="has no column videoId; name videoId, start and title"):
        read_chapters(str(file), {"a"})
    assert read_chapters(None, {"a"}).of_videos == {}


def test_moments_and_the_curve_name_their_chapter() -> None:
    chapters = (Chapter(10.0, "How"), Chapter(145.0, HOSTILE), Chapter(200.0, "End"))
    exits = np.arange(60) % 7
    hotspot = np.zeros(60, np.int64)
    hotspot[30] = 1
    curve = buckets(range(150, 90, -1), exits=exits, hotspot=hotspot)
    html = video_page(detail(video(0), buckets=curve, chapters=chapters), WRITTEN)
    text = " ".join(parsed(html).text.split())
    shown = " ".join(HOSTILE.replace("\u202e", " ").split())
    assert f"2:30 to 2:35 in “{shown}”: 1 time" in text
    assert "a chapter begins" in text
    assert f"How 0:10 74.0 1 {exits[2:29].sum()} {shown} 2:25 60.5 1" in text
    assert "<script>alert" not in html
    assert 'class="bound" d="M33.3 100L33.3 0M483.3 100L483.3 0M666.7 100L666.7 0"' in html


def test_without_chapters_nothing_is_said_of_them() -> None:
    assert "hapter" not in parsed(video_page(detail(video(0)), WRITTEN)).text


def test_a_chapter_beyond_the_end_has_no_figures() -> None:
    chapters = (Chapter(0.0, "All"), Chapter(400.0, "Cut"))
    text = " ".join(parsed(video_page(detail(video(0), chapters=chapters), WRITTEN)).text.split())
    assert "All 0:00 75.0 1 60 Cut 6:40 none none none" in text


def test_the_curves_of_the_page_name_chapters_too() -> None:
    report = full_report()
    chapters = (Chapter(0.0, "What"), Chapter(140.0, HOSTILE), Chapter(900.0, "Beyond the end"))
    known = replace(report.curves[0], chapters=chapters)
    html = page(replace(report, curves=(known, *report.curves[1:])))
    shown = HOSTILE.replace("\u202e", " ")
    text = parsed(html).text
    assert "half of the others are gone by 1:02 of 5:00, in “What”." in text
    assert f"Watched again most at 2:30 in “{shown}”." in text
    assert f"2:30 in “{shown}”: watched again 120 times" in text
    assert "a chapter begins" in text
    assert "a chapter begins" not in parsed(page(report)).text
    assert "<script>alert" not in html
