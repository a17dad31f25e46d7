"""The page of one video: complete, escaped, readable by everyone, without network or script."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from support.browsers import chromium
from support.html_pages import Parsed, parsed
from support.report_facts import FIRST, HOSTILE, WRITTEN, buckets, detail, video

from video_assets.report.addresses import page_of
from video_assets.report.video_facts import VideoDay, VideoDetail
from video_assets.report.video_page import beside_similar, video_page

PHONE, DESK = 390, 1280
ODD_IDS = ("a/b", "../../etc/passwd", "Abc", "abc", "", "ü" * 500, "con", HOSTILE)


def seen(of: VideoDetail) -> Parsed:
    return parsed(video_page(of, WRITTEN))


def text_of(of: VideoDetail) -> str:
    return " ".join(seen(of).text.split())


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(detail(video(0)))


def test_whatever_the_data_hold_is_text(text: str) -> None:
    hostile = seen(detail(replace(video(0, HOSTILE), video_id=HOSTILE)))
    shown = HOSTILE.replace("\u202e", " ")
    assert shown in hostile.text
    assert HOSTILE.split("\u202e")[0] in text
    assert not {"script", "img"} & hostile.names()
    assert hostile.unclosed == []
    assert hostile.loads() == {"../index.html", "../videos.html"}


def test_every_id_has_a_file_name_of_its_own_that_every_file_system_takes() -> None:
    names = {page_of(video_id) for video_id in ODD_IDS}
    assert len({name.casefold() for name in names}) == len(ODD_IDS)
    assert all(name.isascii() and len(name) < 20 and name.count("/") == 1 for name in names)
    assert not any(".." in name for name in names)


def test_the_curve_says_why_it_begins_below_100(text: str) -> None:
    assert "150 of the 200 watched the first 5 seconds: 30 watched nothing and 20 began" in text


def test_moments_are_named_with_their_place_and_number() -> None:
    exits = np.ones(60, np.int64)
    exits[20] = 10
    viewers = [*range(150, 110, -1), *range(100, 80, -1)]
    viewers[50] = 60
    text = text_of(detail(video(0), buckets=buckets(viewers, exits=exits)))
    assert "Watched again No part stands out." in text
    assert "Left for good 1:40 to 1:45: 10 viewers (5 %)" in text
    assert "Skipped over 4:10 to 4:15: at least 29 viewers (14 %)" in text
    assert "2:30 to 2:35: 1 time" in text_of(detail(video(0)))


@pytest.mark.parametrize(
    ("relative", "said"),
    [
        (0.75, "better than the median of videos of similar length: on average over its parts, 75"),
        (0.25, "less well than the median"),
        (0.5, "as the median"),
        (np.nan, "No other video is of similar length."),
    ],
)
def test_it_is_compared_with_videos_of_similar_length(relative: float, said: str) -> None:
    curve = buckets([5, 5], relative=np.full(2, relative))
    assert said in beside_similar(detail(video(0), buckets=curve))
    assert said in text_of(detail(video(0), buckets=curve))


def test_its_first_days_stand_beside_the_median_of_its_channel(text: str) -> None:
    assert "7 days 90 (+50 %) 60.0 4.5 h (+50 %) 3.0 h 12 of “<script>" in text
    assert "28 days 180 (+100 %) 90.0 9.0 h (unchanged) 9.0 h 3 of all videos" in text


def test_days_and_views_are_numbers_too(text: str) -> None:
    assert "Most on 4 Jan 2025: 50 viewers." in text
    assert "4 Jan 2025 50 unknown 2.5 h 1 Jan 2025 40 60 2.0 h" in text
    assert "980 views from 1 Jan 2025 to 2 Jan 2025." in text
    assert "2 Jan 2025 -20 1 Jan 2025 1,000" in text


def test_a_day_that_is_not_over_says_so() -> None:
    days = (VideoDay(FIRST, 40, 60, 2.0, is_unfinished=True),)
    assert "1 Jan 2025, so far 40 60 2.0 h" in text_of(detail(video(0), days=days))


def test_who_is_left_out_is_said(text: str) -> None:
    assert "left out of all but days" not in text
    assert "1 viewer with 16.5 h left out of all but days" in text_of(detail(video(1)))


def test_a_video_that_nobody_watched_says_so() -> None:
    nothing = {"buckets": buckets([]), "first_days": (), "days": (), "views": ()}
    text = text_of(detail(replace(video(3), drop_off=None, reached_end=None), **nothing))
    assert "Nothing was watched yet." in text
    assert "First days" not in text
    assert "as the platform counts" not in text


def test_older_rows_that_do_not_tell_what_began_leave_it_out(text: str) -> None:
    assert "Started and stopped" in text
    older = text_of(detail(video(0), buckets=buckets([5, 5], started=None, stopped=None)))
    assert "Started and stopped" not in older
    assert "0:00 to 0:05 2.5 1 1 unknown unknown" in older


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.processes
@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_it_is_usable_by_everyone_on_every_screen(
    browser: Browser, tmp_path: Path, theme: str, width: int
) -> None:
    file = tmp_path / "video.html"
    file.write_text(video_page(detail(video(1)), WRITTEN), "utf-8")
    scheme = "dark" if theme == "dark" else "light"
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    for numbers in page.locator("summary").all():
        numbers.press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert Axe().run(page).generate_report().startswith("Found 0 accessibility violations")
    assert asked == [file.as_uri()]
    page.close()
