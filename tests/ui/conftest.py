"""A browser, and what it saw when a test failed."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browsers import chromium

PATIENCE_MS = 60_000
SEEN = pytest.StashKey[tuple[Page, Path]]()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(
    browser: Browser, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    # Dagster greets on the first visit.
    greeting = page.get_by_role("button", name="Skip")
    page.add_locator_handler(greeting, lambda button: button.click())
    request.node.stash[SEEN] = (page, tmp_path_factory.mktemp("screenshots"))
    yield page
    page.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    report = yield
    module = item.getparent(pytest.Module)
    seen = module.stash.get(SEEN, None) if module else None
    if seen and report.failed and call.when in ("setup", "call"):
        page, folder = seen
        path = folder / f"{item.name}.png"
        page.screenshot(path=path)
        report.sections.append(("screenshot", f"{page.url}\n{path}"))
    return report
