"""Dagster's pages, as a person clicks through them."""

import re
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, Response, expect

DAILY_JOB = "/locations/video_assets.definitions/jobs/daily"
THEMES = ("light", "dark")
PATIENCE_MS = 120_000

_LAUNCHED = re.compile(r'"(backfillId|runId|id)":\s*"(\w{8}(?:-[0-9a-f-]{27})?)"')
_CLICKS = 5
_CLICK_MS = 10_000
_NOT_YET = re.compile(r"^Loading|fetching statuses")
# Spinners turn and placeholders shimmer: a page that is whole looks the same for so long.
_STILL_PICTURES = 4
_MOST_PICTURES = 20
_BETWEEN_PICTURES_MS = 1_000
# Until Dagster asks for news again: it never stands still.
_COUNTDOWN = re.compile(r"^\d:\d\d$")


def choose_days(page: Page, address: str, days: str, button: str = "Materialize all") -> None:
    """Open the dialog of a page that can be materialized, and name days in it.

    Args:
        page: of the browser.
        address: of Dagster's page.
        days: one, or a range `[first...last]`.
        button: that opens the dialog.
    """
    page.goto(address)
    chosen = page.get_by_placeholder(re.compile("^(ex: |No matching partitions)")).first
    for _ in range(_CLICKS):
        # A click while the page still loads is lost.
        page.get_by_role("button", name=button).first.click()
        with suppress(Error):
            chosen.wait_for(timeout=_CLICK_MS)
            break
    chosen.fill(days)
    chosen.press("Enter")


def launch(page: Page, url: str, button: "str | re.Pattern[str]") -> str:
    """The page of what was launched; its id is in the server's answer to the click."""
    with page.expect_response(_answers_a_launch) as answer:
        page.get_by_role("button", name=button).click()
    [(kind, launched), *_] = _LAUNCHED.findall(answer.value.text())
    return f"{url}/runs/{'b/' if kind == 'backfillId' else ''}{launched}"


def _answers_a_launch(response: Response) -> bool:
    return "mutation Launch" in (response.request.post_data or "")


class Camera:
    """Pictures of pages in each theme, in one folder."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pages = {theme: _page(browser, theme) for theme in THEMES}

    def take(self, name: str, address: str, *shown: str) -> None:
        """Take the page once it shows these texts."""
        for theme, page in self._pages.items():
            page.goto(address)
            for text in shown:
                found = page.get_by_text(text, exact=True).filter(visible=True).first
                expect(found).to_be_visible(timeout=PATIENCE_MS)
            for text in page.get_by_text(_NOT_YET).all():
                expect(text).to_be_hidden(timeout=PATIENCE_MS)
            (self._folder / f"{name}-{theme}.png").write_bytes(_still(page))

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()


def _still(page: Page) -> bytes:
    """A picture of the page once it has stopped changing; of one that never does, the last."""
    seen, alike = b"", 0
    for _ in range(_MOST_PICTURES):
        page.wait_for_timeout(_BETWEEN_PICTURES_MS)
        now = page.screenshot(mask=[page.get_by_text(_COUNTDOWN)])
        alike = alike + 1 if now == seen else 1
        seen = now
        if alike == _STILL_PICTURES:
            break
    return page.screenshot()


def _page(browser: Browser, theme: str) -> Page:
    size = {"width": 1400, "height": 1000}
    scheme = "dark" if theme == "dark" else "light"
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    return page
