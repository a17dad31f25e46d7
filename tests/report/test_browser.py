"""The page in a real browser: both themes, a phone and a desk."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from support.browsers import chromium
from support.report_facts import full_report

from video_assets.report.page import page as written_page

PHONE, DESK = 390, 1280
pytestmark = pytest.mark.processes

THEMES = {"light": "rgb(243, 245, 248)", "dark": "rgb(15, 20, 26)"}

Open = Callable[[str, int], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(written_page(full_report()), "utf-8")
    return path.as_uri()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def open_page(browser: Browser, location: str, complaints: list[str]) -> Iterator[Open]:
    opened: list[Page] = []

    def open_(theme: str, width: int) -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 844},
            color_scheme="dark" if theme == "dark" else "light",
        )
        opened.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: complaints.append(request.url))
        page.goto(location)
        return page

    yield open_
    for page in opened:
        page.close()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_opens_without_complaint_and_without_loading_anything_else(
    open_page: Open, complaints: list[str], location: str, theme: str, width: int
) -> None:
    open_page(theme, width)
    assert complaints == [location]


@pytest.mark.parametrize("width", [PHONE, 320, 820, DESK])
def test_nothing_is_wider_than_the_screen(open_page: Open, width: int) -> None:
    page = open_page("light", width)
    for numbers in page.locator("summary").filter(visible=True).all():
        numbers.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


LINES_OF_TILES = """all => all.flatMap(tiles => {
  const whole = tiles.getBoundingClientRect();
  return Object.values(Object.groupBy([...tiles.children], tile => tile.offsetTop)).map(line => ({
    tiles: line.length,
    gap: whole.right - Math.max(...line.map(tile => tile.getBoundingClientRect().right)),
    beyond: Math.max(...line.map(tile => tile.scrollWidth - tile.clientWidth)),
  }));
})"""


@pytest.mark.parametrize("tiles", [7, 6])
def test_no_tile_is_left_alone_on_a_line_with_room_beside_it(
    browser: Browser, tmp_path: Path, tiles: int
) -> None:
    report = full_report()
    choices = [choice if tiles == 7 else replace(choice, views=None) for choice in report.choices]
    location = tmp_path / "index.html"
    location.write_text(written_page(replace(report, choices=tuple(choices))), "utf-8")
    with closing(browser.new_page()) as page:
        page.goto(location.as_uri())
        for viewers, period in product(("0", str(len(report.filters))), report.choices):
            page.locator(f"[name=of][value='{viewers}']").check()
            page.locator(f"[name=period][value='{period.key}']").check()
            shown = page.locator(".tiles").filter(visible=True)
            for width in (320, PHONE, 520, 521, 600, 601, 820, 1000, 1079, 1080, DESK):
                page.set_viewport_size({"width": width, "height": 844})
                assert viewers != "0" or shown.last.locator("dt").count() == tiles
                for line in shown.evaluate_all(LINES_OF_TILES):
                    assert line["tiles"] > 1 or line["gap"] < 1, width
                    assert line["beyond"] <= 0, width


@pytest.mark.parametrize(("theme", "background"), THEMES.items())
def test_it_follows_the_theme_of_the_reader(open_page: Open, theme: str, background: str) -> None:
    page = open_page(theme, DESK)
    color = "element => getComputedStyle(element)"
    assert page.locator("body").evaluate(f"{color}.backgroundColor") == background
    ink = page.locator("body").evaluate(f"{color}.color")
    label = page.locator("figure svg.wide text", has_text="Lecture 3").first
    assert label.evaluate(f"{color}.fill") == ink


@pytest.mark.parametrize(
    ("width", "shown", "hidden"), [(PHONE, "narrow", "wide"), (DESK, "wide", "narrow")]
)
def test_each_chart_is_shown_once_at_the_width_of_the_screen(
    open_page: Open, width: int, shown: str, hidden: str
) -> None:
    page = open_page("light", width)
    assert page.locator(f"svg.{hidden}").filter(visible=True).count() == 0
    assert page.locator(f"svg.{shown}").filter(visible=True).count() >= 5
    figures = page.locator("figure").filter(visible=True)
    assert page.locator("figure svg").filter(visible=True).count() == figures.count()


def test_letters_in_charts_can_be_read_on_a_phone(open_page: Open) -> None:
    page = open_page("light", PHONE)
    sizes = (
        page.locator("figure svg")
        .filter(visible=True)
        .evaluate_all(
            "all => all.map(svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"
        )
    )
    assert min(sizes) > 0.95


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_who_uses_a_keyboard_or_a_screen_reader_finds_no_obstacle(
    open_page: Open, theme: str, width: int
) -> None:
    page = open_page(theme, width)
    for numbers in page.locator("summary").filter(visible=True).all():
        numbers.press("Enter")
    assert Axe().run(page).generate_report().startswith("Found 0 accessibility violations")


def test_the_answers_lead_to_their_sections(open_page: Open) -> None:
    page = open_page("light", DESK)
    page.get_by_role("link", name="Can the data be trusted today?").click()
    assert page.evaluate("document.querySelector('#trust').getBoundingClientRect().top") < 844


def test_a_period_is_chosen_by_keyboard_and_shown_alone(open_page: Open) -> None:
    page = open_page("light", DESK)
    shown = page.locator(".period").filter(visible=True)
    assert shown.get_by_text("880 viewers in the 7 days").count() == 1
    page.get_by_role("radio", name="7 days").press("ArrowRight")
    assert shown.get_by_text("1,200 viewers in the 28 days").count() == 1
    assert shown.get_by_text("880 viewers").count() == 0
    page.get_by_role("radio", name="All (120 days)").check()
    assert shown.get_by_text("1,650 viewers in the 120 days").count() == 1
    assert shown.get_by_text("By device").count() == 0


def test_a_filter_is_chosen_by_keyboard_and_what_it_does_not_change_says_so(
    open_page: Open,
) -> None:
    page = open_page("dark", PHONE)
    notes = page.locator(".everybody")
    assert notes.filter(visible=True).count() == 0
    assert page.get_by_text("880 viewers in the 7 days").is_visible()
    page.get_by_role("radio", name="Everybody").press("ArrowRight")
    assert page.get_by_role("radio", name="device: computer").is_checked()
    assert page.get_by_text("No session of these days has device “computer”.").first.is_visible()
    page.get_by_role("radio", name="device: computer").press("ArrowRight")
    narrowed = page.get_by_text("800 sessions of 1,760 (45 %) in the 7 days")
    assert narrowed.filter(visible=True).count() == 1
    assert page.get_by_text("880 viewers in the 7 days").count() == 1
    assert not page.get_by_text("880 viewers in the 7 days").is_visible()
    assert page.get_by_text("6.5 h on 2 days; most on 3 Jan 2025.").is_visible()
    assert notes.filter(visible=True).count() == notes.count() > 5
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    assert Axe().run(page).generate_report().startswith("Found 0 accessibility violations")
