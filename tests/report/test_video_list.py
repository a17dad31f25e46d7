"""The list of all videos: searched, sorted and saved in a real browser, without a server."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from support.browsers import chromium
from support.report_facts import COMPUTERS, HOSTILE, PHONES, full_report, sums, video

from video_assets.report.addresses import page_of
from video_assets.report.facts import Filter, Report, Video
from video_assets.report.narrowed import FILTERS
from video_assets.report.page import page as written_page
from video_assets.report.period_lists import PeriodList
from video_assets.report.video_list import GROUPS_NAMED, Lists

MAX_BYTES = 2_000_000
PHONE, DESK = 390, 1280
SHOWN = HOSTILE.replace("\u202e", " ")
FORMULA = '=HYPERLINK("http://example.com")'

pytestmark = pytest.mark.processes


def named(number: int, title: str, viewers: int) -> Video:
    return replace(video(number % 9, title), video_id=f"id_{number}", viewers=viewers)


def videos_of(found: Report) -> str:
    return Lists(found).all_videos()


def report() -> Report:
    videos = (
        named(0, "Zebra, and other animals", 1_200),
        named(1, HOSTILE, 90),
        named(2, FORMULA, 80),
        replace(named(3, "Ant", 7), drop_off=None),
    )
    return replace(full_report(), videos=videos, groups={"id_0": HOSTILE, "id_2": FORMULA})


def period_lists() -> tuple[PeriodList, ...]:
    """Everybody's videos of each period but all, and those that the one filter leaves."""
    week, month, _ = report().choices
    found = week.videos[0]
    rare = replace(found, video_id="id_3", title="Ant", duration=None, now=sums(sessions=2))
    told = (replace(found, video_id="id_0", title="Zebra"), rare)
    return (
        PeriodList(week, None, told, number=2),
        PeriodList(month, None, (*told, replace(rare, video_id="id_9", before=None)), number=30),
        PeriodList(week, PHONES, told[1:], number=1),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "index.html").write_text(written_page(report()), "utf-8")
    (folder / "videos.html").write_text(videos_of(report()), "utf-8")
    (folder / "lists").mkdir()
    lists = Lists(report())
    for each in period_lists():
        file = lists.file_of(each.choice, each.filter)
        assert file is not None
        (folder / file).write_text(lists.of_period(each), "utf-8")
    return folder


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def listed(browser: Browser, folder: Path, complaints: list[str]) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": DESK, "height": 844})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto((folder / "videos.html").as_uri())
    yield page
    page.close()


def ids(page: Page) -> list[str | None]:
    rows = page.locator("tbody tr").filter(visible=True).all()
    return [row.get_attribute("data-id") for row in rows]


def saved(page: Page, path: Path) -> list[list[str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_report_leads_to_the_list_and_back(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="All videos").click()
    assert page.get_by_role("heading", name="All videos").is_visible()
    page.get_by_role("link", name="Video engagement").click()
    assert page.get_by_role("heading", name="Video engagement", exact=True).is_visible()
    page.close()


def test_videos_are_found_by_title_id_and_viewers(listed: Page, complaints: list[str]) -> None:
    assert ids(listed) == ["id_0", "id_1", "id_2", "id_3"]
    search, viewers = listed.get_by_label("Title or id"), listed.get_by_label("Viewers, at least")
    search.fill("ANIMALS")
    assert ids(listed) == ["id_0"]
    assert listed.locator("output").inner_text() == "1 of 4 shown"
    search.fill("id_2")
    assert ids(listed) == ["id_2"]
    search.fill("")
    viewers.fill("90")
    assert ids(listed) == ["id_0", "id_1"]
    assert complaints == []


def test_a_column_sorts_by_its_numbers_down_and_up(listed: Page) -> None:
    by_viewers = listed.get_by_role("button", name="Viewers", exact=True)
    header = listed.get_by_role("columnheader", name="Viewers", exact=True)
    by_viewers.press("Enter")
    assert ids(listed) == ["id_0", "id_1", "id_2", "id_3"]
    assert header.get_attribute("aria-sort") == "descending"
    by_viewers.press("Enter")
    assert ids(listed) == ["id_3", "id_2", "id_1", "id_0"]
    assert header.get_attribute("aria-sort") == "ascending"
    listed.get_by_role("button", name="Video", exact=True).click()
    assert ids(listed)[0] == "id_0"


def test_what_is_seen_is_saved_as_numbers(listed: Page, tmp_path: Path) -> None:
    listed.get_by_label("Viewers, at least").fill("100")
    header, *rows = saved(listed, tmp_path / "videos.csv")
    assert header[:4] == ["Id", "Video", "Watch time, h", "Viewers"]
    first = ["id_0", "Zebra, and other animals", "90", "1200", "500", "810", "70", "40"]
    assert rows == [[*first, "62", "300", SHOWN]]
    assert header[-1] == "Channel or course"


def test_the_videos_of_a_channel_are_shown_alone(listed: Page, complaints: list[str]) -> None:
    group = listed.get_by_label("Channel or course")
    group.select_option(label=SHOWN)
    assert ids(listed) == ["id_0"]
    group.select_option(label="Others")
    assert ids(listed) == ["id_1", "id_3"]
    listed.get_by_role("button", name="Viewers", exact=True).click()
    listed.get_by_label("Viewers, at least").fill("50")
    assert ids(listed) == ["id_1"]
    group.select_option(label="All")
    assert ids(listed) == ["id_0", "id_1", "id_2"]
    assert complaints == []


def test_where_nothing_has_a_channel_there_is_no_such_choice() -> None:
    assert "<select" not in videos_of(replace(report(), groups={}))


def test_no_title_becomes_markup_or_a_formula(
    listed: Page, complaints: list[str], tmp_path: Path
) -> None:
    assert listed.locator("tbody td:first-child").nth(1).text_content() == SHOWN
    rows = saved(listed, tmp_path / "videos.csv")[1:]
    assert [row[1] for row in rows] == ["Zebra, and other animals", SHOWN, f"'{FORMULA}", "Ant"]
    assert [row[-1] for row in rows] == [SHOWN, "Others", f"'{FORMULA}", "Others"]
    assert complaints == []


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_it_is_usable_by_everyone_on_every_screen(
    browser: Browser, folder: Path, theme: str, width: int
) -> None:
    scheme = "dark" if theme == "dark" else "light"
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto((folder / "videos.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert Axe().run(page).generate_report().startswith("Found 0 accessibility violations")
    page.close()


def test_without_script_the_list_is_there_and_promises_nothing(
    browser: Browser, folder: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "videos.html").as_uri())
    assert len(page.locator("tbody tr").all()) == 4
    assert not page.get_by_role("button").all()
    context.close()


def test_a_list_that_is_cut_says_so() -> None:
    cut = replace(report(), totals=replace(report().totals, videos=12_345))
    assert "4 videos of 12,345: the most watched. Written" in videos_of(cut)
    whole = replace(report(), totals=replace(report().totals, videos=4))
    assert "4 videos. Written" in videos_of(whole)


def test_ten_thousand_videos_of_many_channels_are_a_small_file() -> None:
    title = "Lecture 17: Everything about the Number 17, Part Two of the Series"
    videos = tuple(
        replace(named(number, title, number), video_id=f"video_{number:05d}")
        for number in range(10_000)
    )
    groups = {each.video_id: f"channel {each.viewers % 500}" for each in videos}
    html = videos_of(replace(report(), videos=videos, groups=groups))
    assert html.count("<option") == GROUPS_NAMED + 2
    assert len(html.encode()) < MAX_BYTES


def text_of(number: int) -> str:
    _, _, shown = Lists(report()).of_period(period_lists()[number]).partition("<body>")
    return " ".join(unescape(re.sub(r"<script.*?</script>|<[^>]*>", " ", shown)).split())


def test_the_list_of_a_period_has_what_can_be_added_up_over_days() -> None:
    html = Lists(report()).of_period(period_lists()[0])
    text = text_of(0)
    assert "24 Apr 2025 to 30 Apr 2025. 2 videos. Written" in text
    assert "Zebra 4.00 +100.0 5,000 800 0:18 300 120 5:00" in text
    assert "Ant 4.00 +100.0 5,000 2 2:00:00 300 120 unknown" in text
    assert "is known by viewer and video alone" in text
    assert f"<a href=../{page_of('id_0')}>Zebra</a>" in html
    assert "3 videos of 30: the most watched. Written" in text_of(1)
    assert "Ant 4.00 none 5,000" in text_of(1)


def test_a_video_without_a_page_is_no_link() -> None:
    html = Lists(report()).of_period(period_lists()[1])
    assert page_of("id_9") not in html
    assert html.count("<td>Ant<td>") == 1


def test_a_list_that_would_be_empty_is_said_to_be_none() -> None:
    lists, (week, month, everything) = Lists(report()), report().choices
    assert lists.file_of(week, PHONES) is not None
    assert lists.file_of(month, PHONES) is None
    assert lists.file_of(week, COMPUTERS) is None
    assert lists.file_of(everything, None) == "videos.html"
    assert "Device computer: none" in text_of(0)
    assert "Period 7 days 28 days: none All (120 days): none Viewers Everybody" in text_of(2)


def test_periods_and_viewers_are_chosen_by_links_that_keep_what_is_asked_for(
    listed: Page, complaints: list[str], tmp_path: Path
) -> None:
    assert listed.locator("nav [aria-current]").all_inner_texts() == ["All (120 days)", "Everybody"]
    listed.get_by_label("Title or id").fill("Zebra")
    listed.get_by_role("link", name="7 days").press("Enter")
    listed.get_by_role("heading", name="Videos, 7 days").wait_for()
    assert listed.get_by_label("Title or id").input_value() == "Zebra"
    assert ids(listed) == ["id_0"]
    header, row = saved(listed, tmp_path / "week.csv")
    assert header[2:5] == ["Watch time, h", "Change, %", "Plays"]
    assert row[2:9] == ["4", "100", "5000", "800", "18", "300", "120"]
    listed.get_by_label("Title or id").fill("")
    listed.get_by_label("Sessions, at least").fill("3")
    assert ids(listed) == ["id_0"]
    listed.get_by_label("Sessions, at least").fill("1")
    listed.get_by_role("navigation").get_by_role("link", name="alert(1)").click()
    assert ids(listed) == ["id_3"]
    listed.get_by_role("link", name="Everybody").click()
    assert ids(listed) == ["id_0", "id_3"]
    listed.set_viewport_size({"width": PHONE, "height": 844})
    assert listed.evaluate("document.documentElement.scrollWidth") == PHONE
    assert Axe().run(listed).generate_report().startswith("Found 0 accessibility violations")
    assert complaints == []


def test_ten_thousand_videos_of_a_period_are_a_small_file() -> None:
    week = period_lists()[0]
    title = "Lecture 17: Everything about the Number 17, Part Two of the Series"
    one = replace(week.videos[0], title=title)
    videos = tuple(replace(one, video_id=f"video_{number:05d}") for number in range(10_000))
    known = tuple(replace(video(0), video_id=each.video_id) for each in videos)
    chosen = [Filter("country", f"value {number:02d} of a long name") for number in range(FILTERS)]
    many = replace(report(), videos=known, filters={each: {} for each in chosen})
    html = Lists(many).of_period(replace(week, videos=videos, number=len(videos)))
    assert html.count("<a href=../v/") == len(videos)
    assert len(html.encode()) < MAX_BYTES
