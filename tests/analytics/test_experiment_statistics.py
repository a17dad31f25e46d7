"""The statistics of experiments, beside scipy's own and in simulated experiments."""

import numpy as np
import pytest
from scipy import stats

from video_assets.analytics.experiment_statistics import (
    LEVEL,
    POWER,
    Samples,
    difference,
    holm,
    smallest_effect,
    split_p_value,
)

EXPERIMENTS = 2_000
VIEWERS = 1_000
LOOKS = tuple(range(50, VIEWERS + 1, 50))
# Three standard errors of a share of 5 % among so many experiments.
SIMULATION_ERROR = 3 * (LEVEL * (1 - LEVEL) / EXPERIMENTS) ** 0.5


@pytest.mark.parametrize("sizes", [(400, 600), (12, 7), (2, 3)])
def test_difference_interval_and_p_value_are_those_of_welch_s_test(sizes: tuple[int, int]) -> None:
    chance = np.random.default_rng(3)
    variant, control = chance.gamma(2, 50, sizes[0]), chance.gamma(2, 45, sizes[1])
    ours = difference(Samples.of(variant), Samples.of(control))
    theirs = stats.ttest_ind(variant, control, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert (ours.lower, ours.upper) == pytest.approx((interval.low, interval.high))
    assert ours.difference == pytest.approx(variant.mean() - control.mean())


def test_the_interval_of_every_look_ends_at_zero_where_its_p_value_is_the_level() -> None:
    chance = np.random.default_rng(4)
    control = chance.normal(0, 1, 500)
    apart = difference(Samples.of(control + 1), Samples.of(control))
    shift = apart.anytime_lower
    edge = difference(Samples.of(control + 1 - shift), Samples.of(control))
    assert edge.anytime_lower == pytest.approx(0, abs=1e-12)
    assert edge.anytime_p_value == pytest.approx(LEVEL)


def test_holm_multiplies_the_smallest_p_value_most() -> None:
    p_values = np.array([[0.04, 0.01, 0.03], [0.5, 0.5, np.nan]])
    expected = [[0.06, 0.03, 0.06], [1.0, 1.0, np.nan]]
    assert holm(p_values) == pytest.approx(np.array(expected), nan_ok=True)


def test_the_split_is_tested_as_by_pearson() -> None:
    viewers, planned = np.array([520.0, 480.0, 1100.0]), np.array([0.25, 0.25, 0.5])
    table = stats.chisquare(viewers, planned * viewers.sum())
    assert split_p_value(viewers, planned) == pytest.approx(table.pvalue)


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0]])
def test_where_nothing_varies_nothing_is_called_different(values: list[float]) -> None:
    same = Samples.of(np.array(values))
    apart = difference(same, same)
    assert np.isnan([apart.p_value, apart.lower, apart.anytime_p_value, apart.anytime_upper]).all()
    assert np.isnan(smallest_effect(same, same, 3))


def viewers_of(chance: np.random.Generator, effect: float = 0.0) -> tuple[Samples, ...]:
    """Watch time, completion and return of the viewers up to each look, of all experiments."""
    shape = (EXPERIMENTS, VIEWERS)
    watched = chance.exponential(60 * (1 + effect), shape)
    completed = chance.random(shape) < 0.3 * (1 + effect)
    returned = chance.random(shape) < 0.1 * (1 + effect)
    return tuple(up_to_each_look(values.astype(float)) for values in (watched, completed, returned))


def up_to_each_look(values: np.ndarray) -> Samples:
    at = np.array(LOOKS) - 1
    counts = np.broadcast_to(np.array(LOOKS, float), (EXPERIMENTS, len(LOOKS)))
    return Samples(counts, np.cumsum(values, 1)[:, at], np.cumsum(values**2, 1)[:, at])


def test_without_an_effect_few_experiments_are_called_different_at_any_look_and_metric() -> None:
    chance = np.random.default_rng(11)
    pairs = zip(viewers_of(chance), viewers_of(chance), strict=True)
    found = [difference(variant, control) for variant, control in pairs]
    together = holm(np.stack([each.anytime_p_value for each in found], axis=-1))
    called = (together <= LEVEL).any(axis=(1, 2)).mean()
    assert 0 < called <= LEVEL + SIMULATION_ERROR
    once = (found[0].p_value[:, -1] <= LEVEL).mean()
    assert once == pytest.approx(LEVEL, abs=SIMULATION_ERROR)
    often = (found[0].p_value <= LEVEL).any(axis=1).mean()
    assert often > 3 * LEVEL


def test_the_intervals_hold_a_known_effect_in_95_of_100_experiments() -> None:
    chance = np.random.default_rng(12)
    effect = 0.1
    pairs = zip(viewers_of(chance, effect), viewers_of(chance), strict=True)
    for (variant, control), true in zip(pairs, (6.0, 0.03, 0.01), strict=True):
        apart = difference(variant, control)
        held = (apart.lower <= true) & (true <= apart.upper)
        assert held[:, -1].mean() == pytest.approx(1 - LEVEL, abs=SIMULATION_ERROR)
        always = (apart.anytime_lower <= true) & (true <= apart.anytime_upper)
        assert always.all(axis=1).mean() >= 1 - LEVEL - SIMULATION_ERROR


@pytest.mark.parametrize("comparisons", [1, 3])
def test_the_smallest_effect_is_found_in_80_of_100_experiments(comparisons: int) -> None:
    chance = np.random.default_rng(13)
    shape = (EXPERIMENTS, VIEWERS)
    control, variant = chance.normal(60, 20, shape), chance.normal(60, 20, shape)
    smallest = smallest_effect(Samples.of(variant), Samples.of(control), comparisons)
    apart = difference(Samples.of(variant + smallest.mean()), Samples.of(control))
    found = (apart.anytime_p_value <= LEVEL / comparisons).mean()
    assert found == pytest.approx(POWER, abs=3 * (POWER * (1 - POWER) / EXPERIMENTS) ** 0.5)
