"""The pages of metrics describe the declared columns, each with the same questions."""

import re
from pathlib import Path

import pytest

from video_assets.tables import TABLES

PAGES = sorted((Path(__file__).parents[1] / "docs" / "metrics").glob("*.md"))
ANSWERS = ("Means", "Computed", "Leaves out", "Null")


def sections(page: Path) -> dict[str, str]:
    _, *parts = re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0].strip("`"): part for part in parts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_every_measure_of_its_table_in_order_and_nothing_else(page: Path) -> None:
    table = TABLES[page.stem]
    measures = [name for name in table.column_names if name not in table.key]
    assert list(sections(page)) == measures


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_measure_says_what_it_means_how_it_is_computed_and_when_it_is_absent(
    page: Path,
) -> None:
    for name, text in sections(page).items():
        assert [answer for answer in ANSWERS if f"* **{answer}**" not in text] == [], name


def test_the_pages_are_linked_where_analysts_look() -> None:
    overview = (Path(__file__).parents[1] / "docs" / "analytics.md").read_text("utf-8")
    assert PAGES
    assert [page.name for page in PAGES if f"metrics/{page.name}" not in overview] == []
