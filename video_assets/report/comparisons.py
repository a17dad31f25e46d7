"""The tables and sentences of what the report compares."""

from collections.abc import Callable, Sequence

from video_assets.report.facts import Dimension, Group, Outcome, Trial, percentage
from video_assets.report.rendering import Row
from video_assets.wording import (
    MINUS,
    UNKNOWN,
    change,
    clock,
    count,
    listed,
    name,
    or_unknown,
    percent,
    quoted,
)

_METRICS = {
    "watchSeconds": "watch time per viewer",
    "completion": "viewers who complete a video",
    "return": "viewers who come back on another day",
}


def groups(dimension: Dimension) -> tuple[Row, Sequence[Row]]:
    """The columns and rows of the table of a dimension."""
    columns = (
        name(dimension.name).capitalize(),
        "Sessions",
        "Average view duration",
        "Completions, of sessions",
        "Jumps ahead, of sessions",
    )
    return columns, [
        (
            name(group.value),
            count(group.sessions),
            clock(group.average_view),
            percent(percentage(group.completions, group.sessions)),
            percent(percentage(group.forward_skips, group.sessions)),
        )
        for group in dimension.groups
    ]


def longest(dimension: Dimension) -> str:
    """Which of the two largest groups watches longer."""
    known = [group for group in dimension.groups if group.sessions]
    if len(known) == 1:
        return f"All sessions have the value {_value(known[0])}."
    if not known:
        return "No session began yet."
    first, second = sorted(known[:2], key=lambda group: -group.average_view)
    return (
        f"Sessions with {_value(first)} last {clock(first.average_view)}, those with "
        f"{_value(second)} {clock(second.average_view)} "
        f"({change(second.average_view, first.average_view)})."
    )


def _value(group: Group) -> str:
    return quoted(name(group.value))


def outcomes(trial: Trial) -> tuple[Row, Sequence[Row]]:
    """The columns and rows of the table of a variant."""
    columns = (
        "Of a viewer",
        name(trial.control),
        name(trial.variant),
        "Difference",
        "At least and at most",
        "Sure",
    )
    return columns, [_outcome_row(outcome) for outcome in trial.outcomes]


def verdict(trial: Trial) -> str:
    """What is known of a variant, in a sentence or two."""
    variant, control = quoted(name(trial.variant)), quoted(name(trial.control))
    viewers = f"{count(trial.viewers, 'viewer')} beside {count(trial.control_viewers)} of {control}"
    if trial.split_fits is None:
        return f"Nobody had {variant} or {control} yet."
    if not trial.split_fits:
        return (
            f"{variant} has {viewers}, which is not the planned split: its differences cannot be "
            "trusted until it is clear who is missing."
        )
    more = [o for o in trial.outcomes if o.is_different and (o.difference or 0) > 0]
    less = [o for o in trial.outcomes if o.is_different and (o.difference or 0) < 0]
    parts = [
        f"{way} {listed([_METRICS[outcome.metric] for outcome in some])}"
        for way, some in (("raises", more), ("lowers", less))
        if some
    ]
    found = listed(parts) if parts else "shows no difference yet"
    return f"{variant} {found}: {viewers}.{_left_out(trial)}"


def _left_out(trial: Trial) -> str:
    if not trial.of_several:
        return ""
    return f" {count(trial.of_several, 'viewer')} of several variants left out."


def _outcome_row(outcome: Outcome) -> Row:
    is_time = outcome.metric == "watchSeconds"
    shown, difference = (clock, clock) if is_time else (_share, _points)
    lower, upper = (or_unknown(end, _signed(difference)) for end in (outcome.lower, outcome.upper))
    return (
        _METRICS[outcome.metric].capitalize(),
        or_unknown(outcome.control_mean, shown),
        or_unknown(outcome.mean, shown),
        or_unknown(outcome.difference, _signed(difference)),
        f"{lower} to {upper}",
        _sure(outcome, difference),
    )


def _sure(outcome: Outcome, difference: Callable[[float], str]) -> str:
    if outcome.is_different is None:
        return UNKNOWN
    if outcome.is_different:
        return "yes"
    return f"no; {or_unknown(outcome.smallest, difference)} would be found"


def _share(value: float) -> str:
    return percent(100 * value)


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


def _signed(shown: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: f"{MINUS if value < 0 else '+'}{shown(abs(value))}"
