"""What samples of viewers say about the difference between two variants: numpy and scipy alone.

All functions take arrays of any shape, an element being one comparison.

| question | answer |
|---|---|
| how large is the difference, and how sure is that today | Welch's interval and p value |
| and when people look every day | a mixture sequential probability ratio test: Robbins 1970, for |
| | experiments Johari and others, "Always valid inference", Operations Research 70 (2022) |
| and at several metrics and variants | Holm's correction of these p values |
| did viewers come in the planned shares | Pearson's chi-square test |
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats: TypeAlias = npt.NDArray[np.float64]

LEVEL = 0.05
POWER = 0.8
# The sequential test is sharpest for small effects, as Cohen calls them: a fifth of the deviation.
_LIKELY_EFFECT = 0.2


@dataclass(frozen=True)
class Samples:
    """The values of viewers, summed up.

    Attributes:
        viewers: how many there are.
        total: sum of their values.
        squares: sum of the squares of their values.
    """

    viewers: Floats
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, values: Floats) -> "Samples":
        """Of the viewers along the last axis."""
        count = np.full(values.shape[:-1], float(values.shape[-1]))
        return cls(count, values.sum(-1), (values**2).sum(-1))

    @property
    def mean(self) -> Floats:
        """NaN without a viewer."""
        return _ratio(self.total, self.viewers)

    @property
    def variance(self) -> Floats:
        """Of the population, as the sample estimates it; NaN below two viewers."""
        spread = self.squares - self.viewers * self.mean**2
        return np.maximum(_ratio(spread, self.viewers - 1), 0.0)


@dataclass(frozen=True)
class Difference:
    """How the mean of a variant differs from that of the control; NaN where nothing tells.

    Attributes:
        difference: of the means.
        lower: end of Welch's interval of 95 %.
        upper: the other end.
        p_value: Welch's, two-sided.
        anytime_lower: end of the interval that holds in 95 of 100 experiments at every look.
        anytime_upper: the other end.
        anytime_p_value: below 5 % at any look in at most 5 of 100 experiments without an effect.
    """

    difference: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    anytime_lower: Floats
    anytime_upper: Floats
    anytime_p_value: Floats


def difference(variant: Samples, control: Samples) -> Difference:
    """Compare the means of two samples whose variances may differ."""
    apart = _Apart.of(variant, control)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = apart.difference / apart.error
    p_value = 2 * stats.t.sf(np.abs(t), apart.freedom)
    half = stats.t.isf(LEVEL / 2, apart.freedom) * apart.error
    anytime_half = apart.critical(np.full_like(half, LEVEL)) * apart.error
    return Difference(
        apart.difference,
        apart.difference - half,
        apart.difference + half,
        p_value,
        apart.difference - anytime_half,
        apart.difference + anytime_half,
        _anytime(p_value, apart.information),
    )


def smallest_effect(variant: Samples, control: Samples, comparisons: int) -> Floats:
    """The smallest true difference that is called one in 80 of 100 such samples.

    Args:
        variant: sample of the variant.
        control: sample of the control.
        comparisons: how many are corrected for.
    """
    apart = _Apart.of(variant, control)
    level = np.full_like(apart.error, LEVEL / comparisons)
    smallest: Floats = (apart.critical(level) + stats.norm.isf(1 - POWER)) * apart.error
    return smallest


def holm(p_values: Floats) -> Floats:
    """Adjusted p values of the comparisons along the last axis; NaN stays, and counts as one."""
    order = np.argsort(p_values, axis=-1)
    ascending = np.take_along_axis(p_values, order, axis=-1)
    left = np.arange(p_values.shape[-1], 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(ascending * left, axis=-1), 1.0)
    result = np.empty_like(p_values)
    np.put_along_axis(result, order, adjusted, axis=-1)
    return result


def split_p_value(viewers: Floats, planned: Floats) -> Floats:
    """How likely the viewers of the variants, along the last axis, come so far from the plan.

    Args:
        viewers: of each variant.
        planned: share of each variant, together 1.
    """
    expected = viewers.sum(-1, keepdims=True) * planned
    p_value: Floats = stats.chisquare(viewers, expected, axis=-1).pvalue
    return p_value


@dataclass(frozen=True)
class _Apart:
    """Two means beside each other.

    Attributes:
        difference: of the means.
        error: standard error of the difference; NaN where all values are equal.
        freedom: degrees of freedom, by Welch and Satterthwaite.
        information: square of the likely effect in standard errors.
    """

    difference: Floats
    error: Floats
    freedom: Floats
    information: Floats

    @classmethod
    def of(cls, variant: Samples, control: Samples) -> "_Apart":
        a, b = (_ratio(sample.variance, sample.viewers) for sample in (variant, control))
        both = np.where(a + b > 0, a + b, np.nan)
        freedom = both**2 / (_ratio(a**2, variant.viewers - 1) + _ratio(b**2, control.viewers - 1))
        squares = sum(sample.variance * (sample.viewers - 1) for sample in (variant, control))
        pooled = _ratio(squares, variant.viewers + control.viewers - 2)
        likely = _LIKELY_EFFECT**2 * pooled
        return cls(variant.mean - control.mean, np.sqrt(both), freedom, likely / both)

    def critical(self, level: Floats) -> Floats:
        """From how many standard errors on the sequential test calls means different."""
        r = self.information
        normal = np.sqrt((1 + 1 / r) * (2 * np.log(1 / level) + np.log1p(r)))
        # Few viewers have more extreme means than the normal distribution knows.
        critical: Floats = stats.t.isf(stats.norm.sf(normal), self.freedom)
        return critical


def _anytime(p_value: Floats, information: Floats) -> Floats:
    """The reciprocal of the likelihood ratio of likely effects to none."""
    z = stats.norm.isf(p_value / 2)
    log_ratio = z**2 / 2 * information / (1 + information) - np.log1p(information) / 2
    p: Floats = np.minimum(np.exp(-log_ratio), 1.0)
    return p


def _ratio(part: Any, whole: Any) -> Floats:
    """NaN where the whole is not above 0."""
    ratio: Floats = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return ratio
