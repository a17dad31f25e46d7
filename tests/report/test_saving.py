"""Tables that the page offers as CSV."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.browsers import chromium
from support.html_pages import parsed
from support.report_facts import HOSTILE, WRITTEN, detail, full_report, video

from video_assets.report.page import page as written_page
from video_assets.report.saving import csv_address, csv_name
from video_assets.report.video_page import video_page

FORMULAS = ("=1+1", "+1 h", "-x", "@SUM(A1)", "\t=1", "\r=1")


def decoded(address: str) -> bytes:
    head, _, content = address.partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    return base64.b64decode(content, validate=True)


def test_no_cell_is_a_formula_and_numbers_are_numbers() -> None:
    for formula in FORMULAS:
        assert f"'{formula}" in decoded(csv_address(["a"], [[formula]])).decode()
    cells = ["1,234", "-20", "0.5", "1,234,567.25", "12,34", "4:10"]
    text = decoded(csv_address(["a", 'b "c"'], [[*cells, "ü, ö"]])).decode("utf-8-sig")
    assert text == 'a,"b ""c"""\r\n1234,-20,0.5,1234567.25,"12,34",4:10,"ü, ö"\r\n'


def test_a_spreadsheet_reads_it_as_utf_8() -> None:
    assert decoded(csv_address(["ü"], [])).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("title", [HOSTILE, "../../x", "", "a" * 500, "con?.exe", "//"])
def test_a_file_name_means_nothing_to_a_file_system(title: str) -> None:
    name = csv_name(title)
    assert name.endswith(".csv")
    assert len(name) < 70
    assert not set(name) & set("/\\<>:?*|\u202e \"'")
    assert not name.startswith(".")


def test_every_table_of_the_page_is_a_file_with_its_rows() -> None:
    saved = parsed(written_page(full_report())).saved()
    _, (_, *first), *_ = saved["most_watched_in_7_days.csv"]
    assert first == ["4.0\u202fh (+100\u202f%)", "5000", "800", "0:18"]
    assert saved["views_per_day.csv"][:2] == [["Day", "Views"], ["1 Jan 2025", "1000"]]
    assert len(saved["views_per_day.csv"]) == 121
    assert {"by_device_28_days.csv", "power_users.csv", "rejected_source_rows.csv"} < saved.keys()


def test_the_tables_of_a_video_are_files_too() -> None:
    saved = parsed(video_page(detail(video(0)), WRITTEN)).saved()
    assert saved["viewers_by_day.csv"][1] == ["4 Jan 2025", "50", "unknown", "2.5\u202fh"]
    assert saved["views_by_day_as_the_platform_counts.csv"][1] == ["2 Jan 2025", "-20"]
    assert saved["parts_of_the_video.csv"][1] == ["0:00 to 0:15", "75.0", "1", "3", "3", "3"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.processes
def test_a_browser_saves_it_without_a_server(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "video.html"
    file.write_text(video_page(detail(video(1)), WRITTEN), "utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV: First days").press("Enter")
    assert download.value.suggested_filename == "first_days.csv"
    assert Path(download.value.path()).read_bytes().startswith(b"\xef\xbb\xbfFirst,Viewers,")
    page.close()
