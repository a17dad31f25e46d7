"""The command line."""

from pathlib import Path

import pytest

from video_assets.sample_data import SampleSpec, SampleSummary
from video_assets.sample_data.__main__ import main


def test_the_command_writes_a_sample_and_says_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--events 1000 --days 2 --first-day 2025-03-01 --view-days 5 --seed 3 --cumulative"
    assert main(["--output", str(tmp_path), *options.split()]) == 0
    spec = SampleSummary.load(tmp_path).spec
    assert spec == SampleSpec.model_validate(
        {
            "events": 1000,
            "days": 2,
            "first_day": "2025-03-01",
            "view_days": 5,
            "seed": 3,
            "cumulative": True,
        }
    )
    assert "1,000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--days x", "--days: Input should be a valid integer"),
        ("--view-days 0", "--view-days: Input should be greater than or equal to 1"),
        ("--events 10", "10 events are too few for 7 days"),
        ("--first-day yesterday", "--first-day: Input should be a valid date"),
    ],
)
def test_a_wrong_option_is_named(
    options: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path), *options.split()])
    assert message in capsys.readouterr().err
