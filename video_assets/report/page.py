"""The page: one HTML file that needs no network and runs no script."""

from video_assets.report import sections, takeaways
from video_assets.report.data import DAYS_SHOWN, MIN_VIEWERS
from video_assets.report.facts import Report
from video_assets.report.markup import Html, joined, tag
from video_assets.report.style import style
from video_assets.report.wording import count, full_day, hours, moment, percent, short_day

TITLE = "Video engagement"

# Even a title that got past the escaping would run no script and load nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SECTIONS = (
    sections.watching,
    sections.holding,
    sections.leaving,
    sections.users,
    sections.trust,
)
_TERMS = (
    (
        "A pair is one viewer and one video. Completion is the share of pairs in which the video "
        "ran to its end at least once. Tiers follow from the score of a pair: watch time, "
        "completions, sessions, skips and the share of the video that was watched."
    ),
    (
        "Drop-off is the position by which half of those who never completed the video had left. "
        "A peak of watching again rises above its surroundings by more than chance explains."
    ),
    (
        "A doubt is a data quality flag of a pair, such as more watch time than the video can "
        "explain; pairs with a doubt count in every number here."
    ),
)


def page(report: Report) -> str:
    """The whole report as one HTML document."""
    head = joined(
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        tag("title", TITLE),
        tag("style", Html(style())),
    )
    parts = (section(report) for section in _SECTIONS)
    main = tag("main", _tiles(report), _answers(report), *parts)
    footer = tag("footer", tag("h2", "Terms"), *(tag("p", term) for term in _TERMS))
    body = tag("body", _header(report), main, footer)
    return f'<!DOCTYPE html>\n<html lang="en">{tag("head", head)}{body}</html>\n'


def _header(report: Report) -> Html:
    days = report.days
    covered = f"{full_day(days[0].day)} to {full_day(days[-1].day)}. " if days else ""
    cut = f"Daily charts show the newest {DAYS_SHOWN} days. " if len(days) == DAYS_SHOWN else ""
    written = f"Written {moment(report.written_at)}."
    return tag("header", tag("h1", TITLE), tag("p", f"{covered}{cut}{written}"))


def _tiles(report: Report) -> Html:
    totals, newest = report.totals, report.totals.newest_event
    tiles = (
        ("Viewers", count(totals.viewers), f"{count(totals.pairs)} viewer-video pairs"),
        ("Videos", count(totals.videos), "with any viewer"),
        ("Watch time", hours(totals.watch_hours), "watching again included"),
        ("Completion", percent(totals.completion_rate), "of viewer-video pairs"),
        ("With a doubt", percent(totals.flagged_rate), f"{count(totals.flagged_pairs)} pairs"),
        (
            "Newest event",
            short_day(newest.date()) if newest else "none",
            f"{newest:%Y, %H:%M} UTC" if newest else "no data yet",
        ),
    )
    items = (tag("div", tag("dt", a), tag("dd", b), tag("dd", c)) for a, b, c in tiles)
    return tag("dl", *items, classes="tiles")


def _answers(report: Report) -> Html:
    is_trusted = all(verdict.is_good for verdict in takeaways.verdicts(report))
    held = takeaways.held(report.best_held, report.worst_held, MIN_VIEWERS)
    return tag(
        "ul",
        _answer("Which videos hold people?", held, "holding"),
        _answer("Where do they leave?", takeaways.leaving(report.curves), "leaving"),
        _answer("Who are the power users?", takeaways.power_users(report.audience), "users"),
        _answer(
            "Can the data be trusted today?",
            takeaways.trust(report),
            "trust",
            "good" if is_trusted else "look",
        ),
        classes="answers",
    )


def _answer(question: str, answer: str, section: str, classes: str = "plain") -> Html:
    link = tag("a", "See more", href=f"#{section}", aria_label=f"See more: {question}")
    return tag("li", tag("strong", question), tag("span", answer, " ", link), classes=classes)
