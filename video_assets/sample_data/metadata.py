"""Invented videos: their true lengths, their popularity, and the metadata that is delivered."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from video_assets.sample_data.spec import Floats, Ints, SampleSpec, Stream

_COLUMNS: Mapping[str, pa.DataType] = {
    "videoId": pa.string(),
    "duration": pa.float64(),
    "title": pa.string(),
}
METADATA_SCHEMA = pa.schema(_COLUMNS)
SHARE_WITHOUT_DURATION = 0.03
ZIPF_EXPONENT = 1.0
MEDIAN_DURATION = 600.0
DURATION_SPREAD = 0.8
SHORTEST, LONGEST = 30.0, 5400.0
EXAMPLE_VIDEO_DURATION = 300.0

_FORMATS = ("Lecture", "Tutorial", "Seminar", "Lab", "Exercise", "Guest Talk")
_SUBJECTS = (
    "Graph Theory",
    "Linear Algebra",
    "Roman History",
    "Organic Chemistry",
    "Music Theory",
    "Microeconomics",
    "Cell Biology",
    "Classical Mechanics",
    "Data Visualisation",
    "Creative Writing",
    "Urban Planning",
    "Machine Translation",
    "Ocean Currents",
    "Medieval Art",
    "Public Speaking",
)
_ANGLES = (
    "an Introduction",
    "First Principles",
    "Worked Examples",
    "Common Mistakes",
    "Case Studies",
    "Open Questions",
    "Exam Preparation",
    "a Short History",
)


@dataclass(frozen=True)
class Videos:
    """The videos of a sample, one element each; the first is the worked example's.

    Attributes:
        names: the video ids.
        durations: true lengths in seconds, also of videos whose metadata lacks it.
        popularity: cumulative probability of being chosen.
    """

    names: pa.StringArray
    durations: Floats
    popularity: Floats

    def choose(self, count: int, rng: np.random.Generator) -> Ints:
        """Draw videos by popularity, as indices."""
        return np.searchsorted(self.popularity, rng.random(count), side="right").astype(np.int64)


def invent_videos(spec: SampleSpec) -> Videos:
    """The videos of a sample: long-tailed lengths, popularity by Zipf's law."""
    rng = spec.random(Stream.VIDEOS)
    lengths = MEDIAN_DURATION * rng.lognormal(0.0, DURATION_SPREAD, spec.videos)
    durations = np.clip(lengths, SHORTEST, LONGEST).round(1)
    durations[0] = EXAMPLE_VIDEO_DURATION
    ranks = 1.0 + rng.permutation(spec.videos)
    return Videos(video_names(spec.videos), durations, cumulative(ranks**-ZIPF_EXPONENT))


def video_names(count: int) -> pa.StringArray:
    """Ids `video_001`, `video_002`, ..."""
    return pa.array([f"video_{number:03d}" for number in range(1, count + 1)], pa.string())


def cumulative(weights: NDArray[np.floating]) -> Floats:
    """Cumulative probabilities of weights; the last is 1 in spite of rounding."""
    sums = np.cumsum(weights, dtype=np.float64)
    result: Floats = sums / sums[-1]
    return result


def metadata_table(spec: SampleSpec, videos: Videos) -> pa.Table:
    """The metadata as delivered: a few durations unknown, one video missing entirely."""
    rng = spec.random(Stream.VIDEOS)
    others = 1 + rng.permutation(spec.videos - 1)  # the worked example's video stays complete
    unknown = np.isin(np.arange(spec.videos), others[1 : 1 + _count_without_duration(spec)])
    durations = pa.array(videos.durations, mask=unknown)
    rows = pa.table([videos.names, durations, _titles(spec, rng)], schema=METADATA_SCHEMA)
    return rows.filter(pa.array(~np.isin(np.arange(spec.videos), others[:1])))


def _count_without_duration(spec: SampleSpec) -> int:
    return max(1, round(spec.videos * SHARE_WITHOUT_DURATION))


def _titles(spec: SampleSpec, rng: np.random.Generator) -> pa.StringArray:
    kinds = rng.choice(_FORMATS, spec.videos)
    subjects = rng.choice(_SUBJECTS, spec.videos)
    angles = rng.choice(_ANGLES, spec.videos)
    numbered = enumerate(zip(kinds, subjects, angles, strict=True), start=1)
    titles = [f"{kind} {number}: {subject}, {angle}" for number, (kind, subject, angle) in numbered]
    return pa.array(titles, pa.string())
