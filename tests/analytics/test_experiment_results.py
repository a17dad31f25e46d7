"""`experiment_results`: by viewer, since the first session with a variant."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from scipy import stats
from support.checks import Checked, sample_of, session
from support.restless import delivered_events, restless_events
from support.world import TABLES, Row, World, world

from video_assets.analytics.tables import EXPERIMENT_METRICS, EXPERIMENT_RESULTS
from video_assets.engagement.tables import SESSIONS

DAYS = tuple(date(2025, 3, day) for day in (1, 2, 3, 4))
PLAN = {"player": {"control": "old", "split": {"old": 2, "new": 1}}}
NAMED = {"events_dimensions": {"player": "player"}, "experiments": PLAN}


def assigned(number: int) -> tuple[str | None, str | None]:
    """The variant of a viewer's first events, and that of the others."""
    if number % 9 == 0:
        return "old", "new"
    variant = ("old", "old", "new", "none", None)[number % 5]
    return variant, variant


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Some come before they have a variant, some once; some get two, one of no plan, or none."""
    root = tmp_path_factory.mktemp("experiment")
    chance = random.Random(3)  # noqa: S311 (a test's viewers are no secret)
    rows = []
    for seed in range(15):
        for row in restless_events(seed, DAYS):
            number = 4 * seed + ("ann", "ben", "cleo", "dan").index(row["userId"])
            if number % 3 == 1 and row["timestamp"].date() != DAYS[1 + number % 2]:
                continue
            if number % 4 < 2 and row["eventName"] == "video_ended":
                continue
            is_known = row["timestamp"].date() > DAYS[0] and chance.random() < 0.3
            value = chance.choice(assigned(number)) if is_known else None
            rows.append({**row, "userId": f"viewer {number}", "player": value})
    settings = delivered_events(root, rows, DAYS[0]) | NAMED
    with world(root / "warehouse", **settings) as filled:
        filled.compute(DAYS[0], DAYS[-1], tables=TABLES)
        filled.run(tables=(EXPERIMENT_RESULTS,))
        yield filled


def viewers_by_variant(sessions: Sequence[Row]) -> dict[frozenset[str], list[tuple[float, ...]]]:
    """The metrics of each viewer, under the variants of the viewer."""
    of_user: dict[str, list[Row]] = defaultdict(list)
    for row in sessions:
        of_user[row["userId"]].append(row)
    found = defaultdict(list)
    for rows in of_user.values():
        known = {id(row): json.loads(row["dimensions"] or "{}").get("player") for row in rows}
        exposed = [row for row in rows if known[id(row)] in ("old", "new")]
        if not exposed:
            continue
        since = min(row["firstEventTime"] for row in exposed)
        after = [row for row in rows if row["firstEventTime"] >= since]
        metrics = (
            sum(row["watchTime"] for row in after),
            any(row["endedCount"] for row in after),
            any(row["sessionDate"] > since.date() for row in after),
        )
        found[frozenset(known[id(row)] for row in exposed)].append(metrics)
    return found


def test_variants_are_compared_by_viewer_as_scipy_compares_their_viewers(filled: World) -> None:
    viewers = viewers_by_variant(filled.rows(SESSIONS))
    several = len(viewers.pop(frozenset({"old", "new"})))
    rows = {(row["variant"], row["metric"]): row for row in filled.rows(EXPERIMENT_RESULTS)}
    assert len(rows) == 2 * len(EXPERIMENT_METRICS)
    assert several > 0
    assert {row["viewersOfSeveral"] for row in rows.values()} == {several}
    old, new = (np.array(viewers[frozenset({name})], float) for name in ("old", "new"))
    split = stats.chisquare([len(old), len(new)], np.array([2, 1]) / 3 * (len(old) + len(new)))
    for place, metric in enumerate(EXPERIMENT_METRICS):
        control, row = rows["old", metric], rows["new", metric]
        assert (control["isControl"], row["isControl"]) == (True, False)
        assert (control["viewers"], row["viewers"]) == (len(old), len(new))
        assert control["mean"] == pytest.approx(old[:, place].mean())
        assert row["standardDeviation"] == pytest.approx(new[:, place].std(ddof=1))
        assert control["difference"] is control["pValue"] is control["isDifferent"] is None
        welch = stats.ttest_ind(new[:, place], old[:, place], equal_var=False)
        interval = welch.confidence_interval(0.95)
        assert row["difference"] == pytest.approx(new[:, place].mean() - old[:, place].mean())
        assert row["pValue"] == pytest.approx(welch.pvalue)
        assert [row["lowerBound"], row["upperBound"]] == pytest.approx(
            [interval.low, interval.high]
        )
        assert row["anytimeLowerBound"] < row["lowerBound"] < row["upperBound"]
        assert row["pValue"] < row["adjustedPValue"]
        assert row["smallestEffect"] > 0
        assert (row["splitPValue"], row["plannedShare"]) == pytest.approx((split.pvalue, 100 / 3))


def test_without_an_experiment_there_are_no_rows(filled: World, tmp_path: Path) -> None:
    settings = filled.settings.model_dump(exclude={"warehouse", "experiments"})
    plain = World(tmp_path, **settings)
    plain.compute(tables=(EXPERIMENT_RESULTS,))
    assert plain.rows(EXPERIMENT_RESULTS) == []


@pytest.fixture
def watched(spark: SparkSession, tmp_path: Path) -> Checked:
    return Checked(spark, tmp_path / "warehouse", **NAMED)


def viewers(count: int, variant: str, **changed: Any) -> list[Row]:
    label = json.dumps({"player": variant})
    return [
        session(2, userId=f"{variant} {number}", dimensions=label, **changed)
        for number in range(count)
    ]


def results(found: Checked) -> list[Row]:
    found.compute(tables=(EXPERIMENT_RESULTS,))
    return found.rows(EXPERIMENT_RESULTS)


def test_a_clear_difference_is_called_one_and_passes_the_checks(watched: Checked) -> None:
    old = [row | {"watchTime": 20.0 + n % 5} for n, row in enumerate(viewers(200, "old"))]
    new = [row | {"watchTime": 30.0 + n % 5} for n, row in enumerate(viewers(100, "new"))]
    watched.sessions(*old, *new)
    called = {row["metric"]: row["isDifferent"] for row in results(watched) if not row["isControl"]}
    assert called == {"watchSeconds": True, "completion": None, "return": None}
    assert watched.failing(EXPERIMENT_RESULTS) == []


def test_a_split_that_does_not_fit_the_plan_is_said_and_nothing_is_called(watched: Checked) -> None:
    watched.sessions(*viewers(100, "old"), *viewers(100, "new", watchTime=90.0))
    assert {(row["splitFits"], row["isDifferent"]) for row in results(watched)} == {(False, None)}
    [said] = sample_of(watched.results(EXPERIMENT_RESULTS)["splits_fit_the_plan"])
    assert (said["experiment"], said["viewersByVariant"]) == ("player", "new: 100, old: 100")
    assert watched.failing(EXPERIMENT_RESULTS) == ["splits_fit_the_plan"]


def test_viewers_of_two_variants_are_said(watched: Checked) -> None:
    both = [row | {"userId": "old 1", "sessionId": "s2"} for row in viewers(1, "new")]
    watched.sessions(*viewers(20, "old"), *both)
    assert {row["viewersOfSeveral"] for row in results(watched)} == {1}
    assert watched.fails("one_variant_a_viewer", EXPERIMENT_RESULTS)


def test_a_variant_without_viewers_has_no_mean(watched: Checked) -> None:
    watched.sessions(*viewers(3, "old"))
    rows = [row for row in results(watched) if row["variant"] == "new"]
    assert {(row["viewers"], row["mean"], row["difference"]) for row in rows} == {(0, None, None)}
