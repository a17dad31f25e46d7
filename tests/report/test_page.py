"""The page: complete, self-contained, escaped, and readable without seeing the charts."""

import re
from dataclasses import asdict, replace
from datetime import date

import pytest
from support.html_pages import Parsed, parsed
from support.report_facts import FIRST, HOSTILE, LONG, choice, empty_report, full_report, sums

from video_assets.plots import DARK, LIGHT, Palette
from video_assets.report import takeaways
from video_assets.report.addresses import page_of
from video_assets.report.facts import Filter, Narrowed
from video_assets.report.narrowed import FILTERS
from video_assets.report.page import page
from video_assets.report.periods import VIDEOS_SHOWN
from video_assets.wording import full_day, hours, short_day

MAX_BYTES = 1_500_000
SECTIONS = ["periods", "watching", "holding", "leaving", "unfinished", "compared", "users", "trust"]
NOT_ASKED = {"periods", "watching", "unfinished", "compared"}
WITH_DATA_ALONE = {"periods", "unfinished", "compared"}
FIGURES = {
    "Watch time per day",
    "Views per day",
    "How engaged viewers are",
    "Most watched videos",
    "They hold people",
    "They lose people",
    "Daily views that are missing",
    "Rejected source rows",
    "Doubtful pairs by day of last view",
    "What is doubtful",
}


def figures(html: str) -> list[str]:
    return re.findall(r"<figure.*?</figure>", html, re.DOTALL)


def body(html: str) -> str:
    return html.partition("<body>")[2]


@pytest.fixture(scope="module")
def html() -> str:
    return page(full_report())


@pytest.fixture(scope="module")
def read(html: str) -> Parsed:
    return parsed(html)


def test_the_page_needs_no_network(html: str, read: Parsed) -> None:
    answers = {f"#{section}" for section in SECTIONS if section not in NOT_ASKED}
    videos = {page_of(f"video_{number:03d}") for number in range(6)}
    lists = {target for target in read.loads() if target.startswith("lists/")}
    assert read.loads() == {*answers, *videos, *lists, "videos.html"}
    assert {target for target in lists if "-" not in target} == {"lists/7.html", "lists/28.html"}
    assert not {"link", "img", "iframe", "object", "embed", "image", "use"} & read.names()
    assert not re.search(r"https?:|@import|url\(", html)


def test_the_page_runs_no_script_and_forbids_all(html: str, read: Parsed) -> None:
    assert "script" not in read.names()
    assert not [a for _, given in read.elements for a in given if a.startswith("on")]
    assert "default-src 'none'" in html.replace("&#x27;", "'")


def test_titles_and_user_ids_are_text_whatever_is_in_them(html: str, read: Parsed) -> None:
    shown = HOSTILE.replace("\u202e", " ")
    assert f"“{shown}”" in read.text
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\u202e" not in html


def test_every_section_is_there_and_linked_from_the_answers(read: Parsed) -> None:
    identities = read.with_attribute("id")
    assert identities == SECTIONS
    assert read.with_attribute("aria-labelledby") == SECTIONS


def test_every_chart_has_a_title_a_sentence_a_text_alternative_and_its_numbers(
    html: str,
) -> None:
    titles = set()
    for figure in map(parsed, figures(html)):
        title, sentence, *_ = (line for line in figure.text.splitlines() if line.strip())
        titles.add(title)
        assert sentence.endswith((".", ").")), title
        pictures = [given for name, given in figure.elements if name == "svg"]
        assert pictures, title
        assert {given["role"] for given in pictures} == {"img"}
        assert {given["aria-label"] for given in pictures} == {f"{title}. {sentence}"}
        assert {"details", "summary", "table"} <= figure.names(), title
    assert titles > FIGURES
    assert len(figures(html)) == len(FIGURES) + len(full_report().curves) + 1


def test_charts_are_drawn_in_the_colours_of_the_theme(html: str) -> None:
    in_charts = " ".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    colors = set(re.findall(r'(?:fill|stroke)="([^"]+)"', in_charts))
    assert colors - {"none"} <= {f"var(--{name})" for name in asdict(LIGHT)}


def test_a_bar_says_what_it_stands_for_when_one_points_at_it(html: str) -> None:
    assert "<title>7 Jan 2025: 16.0\u202fh, 300 viewers</title>" in html


def test_what_is_never_visible_is_not_on_the_page(html: str) -> None:
    assert 'opacity="0"' not in html
    assert 'display="none"' not in html
    assert "clip-path" not in html


def test_a_page_of_the_longest_charts_is_small(html: str) -> None:
    assert len(html.encode()) < MAX_BYTES


def test_every_element_is_closed(read: Parsed) -> None:
    assert read.unclosed == []


def test_the_peaks_of_watching_again_are_named_and_marked(html: str, read: Parsed) -> None:
    assert "Watched again most at 2:30." in read.text
    assert ">2:30<title>2:30: watched again 120 times</title></text>" in html


def test_a_curve_that_begins_below_100_says_why(read: Parsed) -> None:
    why = "150 of the 200 watched the first 5 seconds: 30 watched nothing and 20 began further on."
    assert why in read.text
    at_100 = replace(full_report().curves[0], opening=200)
    assert "watched the first" not in takeaways.retention(at_100)


def test_only_what_is_wrong_has_the_colour_of_warnings() -> None:
    report = full_report()
    good = replace(report, missing=None)
    assert "var(--warn)" not in body(page(good))
    assert 'class="look"' not in page(good)
    strict = replace(good, limits=replace(good.limits, flagged_share=0.1))
    warned = [figure for figure in figures(page(strict)) if "var(--warn)" in figure]
    assert len(warned) == 1
    assert "<h3>Doubtful pairs by day of last view</h3>" in warned[0]


def test_each_period_is_beside_the_one_before_it(read: Parsed) -> None:
    text = " ".join(read.text.split())
    assert (
        "880 viewers in the 7 days to 30 Apr 2025, 25 % of them returning; 4:10 a session, "
        "watch time +100 % against as long before. Views 7,812 +0.6 % on the period before "
        "Plays 2,640 +100 % on the period before Viewers 880 +100 % on the period before "
        "Returning viewers 220 25 % of viewers; +100 % on the period before "
        "Sessions 1,760 +100 % on the period before "
        "Watch time 122 h +100 % on the period before Average view duration 4:10 unchanged"
    ) in text
    assert "7 days 28 days All (120 days)" in text
    assert "Plays unknown no period before to compare Viewers 1,650 no period" in text
    assert "Returning viewers unknown the data begin with this period" in text


def test_views_of_other_days_name_them(read: Parsed) -> None:
    text = " ".join(read.text.split())
    assert "Views 250,000 no period before to compare, 1 Jan to 4 Jan 2025" in text


def test_the_videos_of_a_period_lead_to_their_pages(html: str, read: Parsed) -> None:
    text = " ".join(read.text.split())
    assert "4.0 h (+100 %) 5,000 800 0:18 v1 4.0 h unknown 800 0:18" in text
    assert f'<td><a href="{page_of("video_000")}">' in html
    assert "<td>v1</td>" in html


def test_what_a_filter_leaves_of_a_period_is_beside_everybody(read: Parsed) -> None:
    text = " ".join(read.text.split())
    shown = " ".join(HOSTILE.replace("\u202e", " ").split())
    assert (
        f"800 sessions of 1,760 (45 %) in the 7 days to 30 Apr 2025 have device “{shown}”; they "
        "last 0:18 on average, those of everybody 4:10. Plays 5,000 unchanged Sessions 800 +100 % "
        "on the period before Watch time 4.0 h unchanged Average view duration 0:18 \u221250 % on "
        "the period before Completions 300 unchanged New to a video 120 unchanged Jumps ahead 40"
    ) in text
    assert "How many viewers these are, and how many of them return" in text
    assert "none of them exists by device" in text


def test_without_dimensions_there_is_no_filter_and_nothing_is_said_of_one() -> None:
    html = page(replace(empty_report(), choices=full_report().choices))
    assert 'name="of"' not in html
    assert 'class="everybody"' not in html


def test_the_most_values_over_years_are_still_a_small_page(html: str) -> None:
    report = full_report()
    chosen = [Filter("country", f"value {number:02d} of a long name") for number in range(FILTERS)]
    watched = report.choices[0].videos[:1] * VIDEOS_SHOWN
    left = tuple(Narrowed(each, sums(), sums(), watched) for each in chosen)
    spans = (7, 28, 90, 365)
    last = replace(report.choices[-1], narrowed=left)
    choices = (*(replace(choice(days, 880), narrowed=left) for days in spans), last)
    days = {day.day: 1_234.5 for day in report.days}
    of_filters = replace(empty_report(), choices=choices, filters=dict.fromkeys(chosen, days))
    narrowable = page(of_filters)
    assert narrowable.count('name="of"') == FILTERS + 1
    assert len(narrowable.encode()) + len(html.encode()) < 2_000_000


def test_each_curve_says_where_most_leave_and_how_it_is_beside_others(read: Parsed) -> None:
    assert "Most leave for good from 1:00 to 1:05: 9 viewers." in read.text
    assert (
        "It holds its viewers better than the median of videos of similar length: on average over "
        "its parts, 75\u202f% of them hold a smaller share."
    ) in read.text


def test_where_nothing_is_forecast_the_page_says_why() -> None:
    why = "The model is no better than the rates of videos and viewers."
    text = parsed(page(replace(empty_report(), forecast_finding=why))).text
    assert "Nothing is forecast now." in text
    assert why in text


def test_views_are_compared_with_as_long_before(read: Parsed) -> None:
    assert (
        "250,000 views in all. 7,812 in the 7 days to 30 Apr 2025, +0.6\u202f% against as long "
        "before. 30,954 in the 28 days to 30 Apr 2025, +2.6\u202f% against as long before."
    ) in read.text


def test_views_on_both_sides_of_another_definition_are_not_compared() -> None:
    report = full_report()
    assert report.views is not None
    day = report.views.per_day[-10][0]
    changes = ((FIRST, "older"), (day, "each start counts"), (date(2030, 1, 1), "later"))
    html = page(replace(report, views=replace(report.views, definition_changes=changes)))
    [figure] = [found for found in figures(html) if "Views per day" in found]
    text = " ".join(parsed(figure).text.split())
    assert (
        "7,812 in the 7 days to 30 Apr 2025, not to be compared with as long before. "
        "30,954 in the 28 days to 30 Apr 2025, not to be compared with as long before. "
        "From 21 Apr 2025 on something else counts as a view (each start counts)."
    ) in text.replace("\u202f", " ")
    assert "21 Apr 2025: another definition of a view" in text
    assert "older" not in text
    assert "later" not in text


def test_a_day_of_absurd_counts_leaves_the_others_readable() -> None:
    report = full_report()
    assert report.views is not None
    day = report.views.per_day[3][0]
    per_day = tuple((d, 2**53 if d == day else number) for d, number in report.views.per_day)
    html = page(replace(report, views=replace(report.views, per_day=per_day)))
    [figure] = [found for found in figures(html) if "Views per day" in found]
    assert "Higher than the chart: 4 Jan 2025." in figure
    assert "<title>4 Jan 2025: 9,007,199,254,740,992 views</title>" in figure
    assert ">3,000<" in figure


def test_without_daily_views_nothing_is_said_of_them() -> None:
    read = parsed(page(replace(full_report(), missing=None, views=None)))
    assert "daily views" not in read.text.lower()
    assert read.with_attribute("id") == SECTIONS


def test_before_the_first_event_the_page_says_so() -> None:
    read = parsed(page(empty_report()))
    assert read.with_attribute("id") == [name for name in SECTIONS if name not in WITH_DATA_ALONE]
    assert "Nothing was watched yet." in read.text
    assert "There is no event yet." in read.text


def test_the_same_figures_give_the_same_page(html: str) -> None:
    assert page(full_report()) == html


def test_long_names_are_cut(read: Parsed) -> None:
    assert LONG in read.text
    assert f"{LONG} {LONG}" not in read.text


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_and_charts_have_the_contrast_that_wcag_asks_for(palette: Palette) -> None:
    for background in (palette.card, palette.page):
        for color in (
            palette.ink,
            palette.soft,
            palette.main,
            palette.second,
            palette.good,
            palette.warn,
        ):
            assert contrast(color, background) >= 4.5, (color, background)


def test_fresh_complete_data_is_trusted() -> None:
    report = replace(full_report(), missing=None)
    assert takeaways.trust(report) == "Yes: all 4 tests of the data are met."


def test_data_that_is_late_or_incomplete_is_to_be_looked_at() -> None:
    report = full_report()
    lacking = tuple(day.day for day in report.intake.days[3:5])
    late = replace(
        report,
        intake=replace(report.intake, days_without_events=lacking),
        written_at=report.written_at.replace(month=6),
    )
    found = {verdict.subject: verdict.is_good for verdict in takeaways.verdicts(late)}
    assert found == {
        "Fresh data": False,
        "Complete days": False,
        "Readable rows": True,
        "Plausible viewing": True,
        "Complete daily views": False,
    }
    assert "2 days without any event: 4 Jan 2025 and 5 Jan 2025." in takeaways.trust(late)


@pytest.mark.parametrize(
    ("field", "subject"),
    [("rejected_share", "Readable rows"), ("flagged_share", "Plausible viewing")],
)
def test_the_limits_are_those_of_the_settings(field: str, subject: str) -> None:
    report = full_report()
    strict = replace(report, limits=replace(report.limits, **{field: 0.001}))
    failed = [verdict.subject for verdict in takeaways.verdicts(strict) if not verdict.is_good]
    assert subject in failed


def test_what_is_left_out_is_said_with_both_figures() -> None:
    report = full_report()
    text = " ".join(parsed(page(report)).text.split())
    assert "3 viewers with 17.0 h are left out of rankings and curves." in text
    assert "would have 61.5 h instead of 45.0 h" in text
    assert "more hours a day than a person can watch 1 16.5 h" in text
    assert (
        "Of all watch time 3.2 h ran beside another session of the same viewer (7 viewers)" in text
    )
    counted = page(replace(report, people=replace(report.people, are_counted=True)))
    assert "rankings and curves count them, as the settings ask" in " ".join(counted.split())


def test_where_nobody_is_left_out_the_page_says_so() -> None:
    text = " ".join(parsed(page(empty_report())).text.split())
    assert "Nobody does more than a person can" in text
    assert "No viewer watches in several places at once." in text


def test_who_will_probably_not_finish_is_said_by_video() -> None:
    text = " ".join(parsed(page(full_report())).text.split())
    assert "Of 5,000 times that a viewer opened a video and did not complete it, about 123" in text
    assert "90 4.2" in text
    assert "probably not finish" not in page(empty_report())


def test_days_that_are_not_over_are_named_and_left_out_of_averages() -> None:
    report = full_report()
    last = report.days[-1]
    days = (*report.days[:-1], replace(last, hours=0.5))
    html = page(replace(report, days=days, unfinished=(last.day,)))
    assert f"<strong>So far: {full_day(last.day)}" in html
    assert f"So far {hours(0.5)} on {full_day(last.day)}." in html
    assert f"<td>{full_day(last.day)}, so far</td>" in html
    assert f"least on {short_day(last.day)}" not in html
    assert "So far" not in page(report)
