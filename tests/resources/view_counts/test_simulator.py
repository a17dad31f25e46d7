from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pyspark import cloudpickle

from resources.view_counts import SimulatedViewCounts

DAY = date(2025, 3, 10)
IDS = [f"video_{number:05}" for number in range(10_000)]


def answers(source: SimulatedViewCounts) -> dict[str, int | None]:
    batches = [IDS[start : start + 10] for start in range(0, len(IDS), 10)]
    return {video_id: count for batch in batches for video_id, count in source.fetch(batch).items()}


def test_counts_stay_the_same_in_every_process_and_release() -> None:
    assert SimulatedViewCounts(day=date(2025, 1, 2)).fetch(["video_001"]) == {"video_001": 179_855}


def test_another_seed_gives_other_counts() -> None:
    first, second = (SimulatedViewCounts(seed=seed, day=DAY).fetch(IDS[:10]) for seed in (0, 1))
    assert first != second


@given(
    st.text(max_size=20).filter(lambda text: text.isprintable()),
    st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1)),
    st.integers(min_value=0, max_value=2**32),
)
def test_a_count_never_falls_from_one_day_to_the_next(video_id: str, day: date, seed: int) -> None:
    today, tomorrow = (
        SimulatedViewCounts(seed=seed, day=d).fetch([video_id])[video_id]
        for d in (day, day + timedelta(days=1))
    )
    assert today is not None
    assert tomorrow is not None
    assert 0 <= today <= tomorrow


def test_shares_of_the_ids_are_unknown_and_hidden() -> None:
    counts = answers(SimulatedViewCounts(day=DAY, unknown_share=0.1, hidden_share=0.2))
    assert 0.08 < 1 - len(counts) / len(IDS) < 0.12
    assert 0.18 < sum(count is None for count in counts.values()) / len(IDS) < 0.22


def test_the_same_ids_are_unknown_on_every_day() -> None:
    sources = (SimulatedViewCounts(day=day, unknown_share=0.1) for day in (DAY, date(2025, 9, 1)))
    first, second = (set(answers(source)) for source in sources)
    assert first == second


def test_without_shares_every_id_is_counted() -> None:
    assert None not in answers(SimulatedViewCounts(day=DAY)).values()


def test_counts_without_a_day_are_those_of_today() -> None:
    source = SimulatedViewCounts()
    assert source.fetch(["a"])["a"] >= SimulatedViewCounts(day=DAY).fetch(["a"])["a"]


def test_more_ids_than_a_batch_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="asks for 11 videos, but a batch holds at most 10"):
        SimulatedViewCounts(day=DAY).fetch(IDS[:11])


def test_shares_above_one_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be at most 1"):
        SimulatedViewCounts(unknown_share=0.6, hidden_share=0.5)


def test_it_answers_the_same_after_its_way_to_a_task() -> None:
    source = SimulatedViewCounts(day=DAY, hidden_share=0.5)
    assert cloudpickle.loads(cloudpickle.dumps(source)).fetch(IDS[:10]) == source.fetch(IDS[:10])
