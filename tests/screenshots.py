"""The pictures of the documentation, from a fresh demo in a real browser: `make screenshots`.

Names of pictures as arguments renew only those: `make screenshots PICTURES="report lineage"`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page
from support.browsers import chromium
from support.dagster_dev import Ui, dagster_dev

from video_assets.engagement.tables import ENGAGEMENT
from video_assets.settings import PREFIX
from video_assets.settings.sources import SAMPLE_FOLDER, SAMPLE_SUMMARY

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PATIENCE_MS = 120_000
# Until what is drawn rests: the UI moves graphs and dialogs into their place.
RESTS_MS = 5_000
DAGSTER_SIZE = {"width": 1360, "height": 860}
NAVIGATION = 240
REPORT_WIDTH, REPORT_HEIGHT = 1000, 1720
ASSET = f"/assets/video/{ENGAGEMENT.name}"

Picture = Callable[[Page, Ui], bytes]


def lineage(page: Page, ui: Ui) -> bytes:
    """Where the engagement table comes from, and what follows from it."""
    return _dagster_page(page, f"{ui.url}{ASSET}?view=lineage&lineageDepth=2", "Graph depth")


def failed_check(page: Page, ui: Ui) -> bytes:
    """A check that the demo fails, with its rows."""
    check = "watch_time_plausible"
    return _dagster_page(page, f"{ui.url}{ASSET}?view=checks&checkDetail={check}", "Show schema")


def quality_flags(page: Page, ui: Ui) -> bytes:
    """The plot that a run adds to the engagement table."""
    page.goto(f"{ui.url}{ASSET}")
    row = page.get_by_role("row", name=re.compile("quality_flags")).last
    row.get_by_text("[Show Markdown]").click()
    page.wait_for_timeout(RESTS_MS)
    return page.get_by_role("dialog").last.screenshot()


def report(page: Page, ui: Ui) -> bytes:
    """The beginning of the report."""
    page.set_viewport_size({"width": REPORT_WIDTH, "height": REPORT_HEIGHT})
    page.goto((ui.folder / "data/warehouse/report/index.html").as_uri())
    return page.screenshot()


PICTURES: Mapping[str, Picture] = {
    "lineage": lineage,
    "failed-check": failed_check,
    "quality-flags": quality_flags,
    "report": report,
}


def main() -> None:
    """Renew the pictures that are named, else all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="*", help=f"of {', '.join(PICTURES)}")
    names: list[str] = parser.parse_args().picture or list(PICTURES)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        page = browser.new_page(viewport=DAGSTER_SIZE)
        page.set_default_timeout(PATIENCE_MS)
        page.add_locator_handler(
            page.get_by_role("button", name="Skip"), lambda button: button.click()
        )
        with served_demo(Path(folder), is_dagster_wanted=set(names) != {"report"}) as ui:
            for name in names:
                save(PICTURES[name](page, ui), IMAGES / f"{name}.png")
                sys.stdout.write(f"{name}\n")


@contextmanager
def served_demo(folder: Path, *, is_dagster_wanted: bool) -> Iterator[Ui]:
    """A demo of its own, and the UI that shows it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith((PREFIX, "DAGSTER_"))}
    environment = {**inherited, "DAGSTER_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-m", "video_assets.demo"], cwd=folder, env=environment, check=True
    )
    if not is_dagster_wanted:
        yield Ui("", folder)
        return
    summary = json.loads((folder / SAMPLE_FOLDER / SAMPLE_SUMMARY).read_text("utf-8"))
    with dagster_dev(folder, {"START_DATE": summary["spec"]["first_day"]}) as ui:
        yield ui


def save(png: bytes, path: Path) -> None:
    """With 256 colours, a third of the bytes."""
    with Image.open(BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


def _dagster_page(page: Page, url: str, shown: str) -> bytes:
    """A page of the UI without its navigation, once something is there."""
    page.goto(url)
    page.get_by_text(shown).first.wait_for()
    page.wait_for_timeout(RESTS_MS)
    width, height = DAGSTER_SIZE["width"] - NAVIGATION, DAGSTER_SIZE["height"]
    return page.screenshot(clip={"x": NAVIGATION, "y": 0, "width": width, "height": height})


if __name__ == "__main__":
    main()
