"""Pictures inside Markdown."""

import base64
import io
from datetime import date, timedelta

from PIL import Image

from video_assets.plots import LIGHT, WIDTH, bars_per_day, bars_per_name

FIRST = date(2025, 1, 1)
BAR = tuple(bytes.fromhex(LIGHT.main.removeprefix("#")))
# Materializations are kept for ever, each with its picture.
FEW_CHARACTERS = 8_000


def picture(markdown: str) -> Image.Image:
    start, png = markdown.split("base64,")
    assert start.startswith("![")
    return Image.open(io.BytesIO(base64.b64decode(png.removesuffix(")")))).convert("RGB")


def painted(image: Image.Image) -> float:
    """The share of the picture that bars cover; compressed colours are close to the original."""
    width, height = image.size
    near = sum(
        count
        for count, color in image.getcolors(width * height) or []
        if isinstance(color, tuple)
        and all(abs(a - b) < 12 for a, b in zip(color, BAR, strict=True))
    )
    return near / (width * height)


def test_higher_values_have_higher_bars() -> None:
    level = bars_per_day({FIRST: 10, FIRST + timedelta(1): 10}, "Hours", "h")
    uneven = bars_per_day({FIRST: 10, FIRST + timedelta(1): 1}, "Hours", "h")
    assert painted(picture(level)) > 1.5 * painted(picture(uneven)) > 0.1


def test_a_day_without_a_value_has_no_bar() -> None:
    gap = bars_per_day({FIRST: 10, FIRST + timedelta(3): 10}, "Hours", "h")
    filled = bars_per_day({FIRST + timedelta(n): 10 for n in range(4)}, "Hours", "h")
    assert painted(picture(filled)) > 1.5 * painted(picture(gap))


def test_names_get_a_bar_each() -> None:
    one = picture(bars_per_name({"ok": 10}, "Rows", "rows"))
    two = picture(bars_per_name({"ok": 10, "very_short_watch": 10}, "Rows", "rows"))
    assert two.height > one.height
    assert two.width > WIDTH


def test_nothing_to_draw_is_said_in_words() -> None:
    assert bars_per_day({}, "Hours", "h") == "Hours: nothing to show"
    assert bars_per_name({}, "Rows", "rows") == "Rows: nothing to show"


def test_a_picture_of_years_is_small() -> None:
    years = {FIRST + timedelta(n): n % 11 for n in range(1_500)}
    assert len(bars_per_day(years, "Hours", "h")) < FEW_CHARACTERS
