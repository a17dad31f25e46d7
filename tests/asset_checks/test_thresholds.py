import pytest
from pydantic import ValidationError

from video_assets.settings.checks import CheckThresholds


@pytest.mark.parametrize("wrong", [{"max_rejected_share": 1.1}, {"max_row_count_ratio": 0.9}])
def test_a_threshold_out_of_its_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        CheckThresholds.model_validate(wrong)


def test_a_median_cannot_need_more_days_than_it_looks_at() -> None:
    with pytest.raises(ValidationError, match=r"min_row_count_history \(3\) <= "):
        CheckThresholds(row_count_history_days=2)
    assert CheckThresholds(row_count_history_days=2, min_row_count_history=2)
