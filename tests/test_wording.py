"""Numbers and names as people read them."""

from datetime import UTC, date, datetime

import pytest

from video_assets import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (0.04, "under 0.1 %"),
        (0.31, "0.3 %"),
        (9.6, "9.6 %"),
        (44.4, "44 %"),
        (93.25, "93.2 %"),
        (99.97, "99.9 %"),
        (100, "100 %"),
        (123.4, "123 %"),
        (float("inf"), "unknown"),
    ],
)
def test_percentages(value: float, text: str) -> None:
    assert wording.percent(value).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 min"), (0.5, "30 min"), (1, "1.0 h"), (76.1, "76.1 h"), (1206.4, "1,206 h")],
)
def test_hours(value: float, text: str) -> None:
    assert wording.hours(value).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (104, 100, "+4 %"),
        (50, 100, "\u221250 %"),
        (100, 100, "unchanged"),
        (10_001, 10_000, "unchanged"),
        (5, 0, "new"),
        (0, 0, "unchanged"),
        (0, 5, "\u2212100 %"),
    ],
)
def test_changes(now: float, before: float, text: str) -> None:
    assert wording.change(now, before).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (1728, "28:48"), (4029, "1:07:09")]
)
def test_positions(seconds: float, text: str) -> None:
    assert wording.clock(seconds) == text


def test_nouns_follow_their_number() -> None:
    assert wording.count(1, "viewer") == "1 viewer"
    assert wording.count(1118, "viewer") == "1,118 viewers"


def test_days_and_moments_say_their_year_and_zone() -> None:
    assert wording.full_day(date(2025, 1, 7)) == "7 Jan 2025"
    at = datetime(2025, 1, 7, 5, 9, tzinfo=UTC)
    assert wording.moment(at) == "7 Jan 2025, 05:09 UTC"


@pytest.mark.parametrize(
    ("parts", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists(parts: list[str], text: str) -> None:
    assert wording.listed(parts) == text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("  a\nb\x00c ", "a b c"),
        ("\u202eevil", "evil"),
        ("\u0007", "(no name)"),
        ("日本語 🎬", "日本語 🎬"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_names_hold_nothing_that_changes_the_text_around_them(given: str, shown: str) -> None:
    assert wording.name(given) == shown
