"""The forecast of completion: what it is told by, how it is fitted, and whether it is any good.

The model is a logistic regression: few weights that say what they rest on, and probabilities that
are calibrated by themselves. Workers apply it without the library that fitted it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from video_assets.arrow.columns import Bools, Floats, booleans, floats

FEATURES = (
    "reached",
    "watched",
    "isLengthKnown",
    "log watchSeconds",
    "log sessions",
    "log skips",
    "log daysSinceFirst",
    "log daysSinceLast",
    "log userVideos",
    "log userDaysSinceLast",
    "userCompleted of userVideos",
    "odds of the user",
    "odds of the video",
)
BINS = 10
# Of a video or viewer with few cases, the rate is that of all, as if so many more had been seen.
_PRIOR_CASES = 20.0
_LEAST_RATE = 1e-4
# Fewer completions say nothing about a model.
LEAST_COMPLETIONS = 30


@dataclass(frozen=True)
class Rates:
    """What became, within a horizon, of those who were open a horizon before a day.

    Attributes:
        everybody: share of all that was completed, between 0 and 1.
        video: of each row's video, drawn towards everybody's where cases are few.
        viewer: of each row's viewer, likewise.
    """

    everybody: float
    video: Floats
    viewer: Floats

    @classmethod
    def of(cls, states: pa.Table, everybody: float) -> "Rates":
        """The rates of rows of `STATES` with `videoWasOpen` and `videoWasCompleted`."""
        rate = min(max(everybody, _LEAST_RATE), 1 - _LEAST_RATE)

        def drawn(cases: str, completed: str) -> Floats:
            known = floats(states, completed) + _PRIOR_CASES * rate
            return known / (floats(states, cases) + _PRIOR_CASES)

        return cls(
            everybody,
            drawn("videoWasOpen", "videoWasCompleted"),
            drawn("userWasOpen", "userWasCompleted"),
        )


@dataclass(frozen=True)
class Model:
    """A logistic regression over features that are scaled first."""

    centre: Floats
    scale: Floats
    weights: Floats
    intercept: float

    def probabilities(self, states: pa.Table, everybody: float) -> Floats:
        """Of each row, the probability that the video is completed within the horizon."""
        scaled = (features(states, everybody) - self.centre) / self.scale
        return 1.0 / (1.0 + np.exp(-(scaled @ self.weights + self.intercept)))


@dataclass(frozen=True)
class Evaluation:
    """How the model and the two baselines do on later days; Brier scores, 0 is perfect.

    Attributes:
        cases: rows that were looked at.
        completions: of these, completed within the horizon.
        model: Brier score of the model.
        video: of the rate of the row's video.
        viewer: of the rate of the row's viewer.
        bins: of each tenth of the rows, by probability: the mean probability, the share that was
            completed, and the rows.
    """

    cases: int
    completions: int
    model: float
    video: float
    viewer: float
    bins: tuple[tuple[float, float, int], ...]

    @property
    def is_better(self) -> bool:
        """Whether the model beats both baselines."""
        return self.model < min(self.video, self.viewer)

    @property
    def calibration_error(self) -> float:
        """How far probabilities are from what happened, on average over the rows."""
        return sum(abs(said - was) * rows for said, was, rows in self.bins) / max(self.cases, 1)


def features(states: pa.Table, everybody: float) -> Floats:
    """One row a row of `STATES`, with the columns of `FEATURES`."""
    rates = Rates.of(states, everybody)
    logs = ("watchSeconds", "sessions", "skips", "daysSinceFirst", "daysSinceLast", "userVideos")
    columns = [
        *(floats(states, name) for name in ("reached", "watched", "isLengthKnown")),
        *(np.log1p(floats(states, name)) for name in (*logs, "userDaysSinceLast")),
        floats(states, "userCompleted") / np.maximum(floats(states, "userVideos"), 1.0),
        _log_odds(rates.viewer),
        _log_odds(rates.video),
    ]
    return np.column_stack(columns)


def fitted(states: pa.Table, everybody: float) -> Model:
    """Fit a model; the same rows give the same model, in whatever order they come.

    Args:
        states: rows of `STATES` that are open, of one day, with the rates of their videos.
        everybody: see `Rates`.
    """
    # It takes a second to import, which no other step waits for.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    found, labels = features(states, everybody), booleans(states, "isCompletedAfter")
    order = np.lexsort((labels, *found.T))
    found, labels = found[order], labels[order]
    centre, scale = found.mean(axis=0), found.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    regression = LogisticRegression(C=1.0, max_iter=2_000)
    regression.fit((found - centre) / scale, labels)
    return Model(centre, scale, regression.coef_[0], float(regression.intercept_[0]))


def evaluated(model: Model, states: pa.Table, everybody: float) -> Evaluation:
    """Compare a model with the baselines on rows that it was not fitted to, of a later day."""
    said = model.probabilities(states, everybody)
    happened = booleans(states, "isCompletedAfter")
    rates = Rates.of(states, everybody)
    return Evaluation(
        cases=len(said),
        completions=int(happened.sum()),
        model=brier_score(said, happened),
        video=brier_score(rates.video, happened),
        viewer=brier_score(rates.viewer, happened),
        bins=tuple(_bins(said, happened)),
    )


def brier_score(said: Floats, happened: Bools) -> float:
    """The mean square of the difference between a probability and what happened (1 or 0)."""
    return float(np.mean((said - happened) ** 2)) if len(said) else 0.0


def _bins(said: Floats, happened: npt.NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return [(float(said[p].mean()), float(happened[p].mean()), len(p)) for p in parts]


def _log_odds(rate: Floats) -> Floats:
    return np.log(rate / (1.0 - rate))
