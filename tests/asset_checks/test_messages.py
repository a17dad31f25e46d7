"""What a failed check tells the person who reads it."""

from support.checks import Checked, engaged, sample_of, value

from asset_checks.engagement import ENGAGEMENT_RULES
from video_assets.engagement.tables import ENGAGEMENT

CHECK = "watch_time_plausible"


def test_a_failed_check_says_what_to_do(checked: Checked) -> None:
    checked.engagement(engaged(totalWatchTime=10_000.0))
    said = checked.results(ENGAGEMENT)[CHECK]
    [remedy] = [rule.remedy for rule in ENGAGEMENT_RULES if rule.name == CHECK]
    assert value(said, "remedy") == remedy


def test_a_check_that_passes_gives_no_advice(checked: Checked) -> None:
    checked.engagement(engaged())
    assert "remedy" not in checked.results(ENGAGEMENT)[CHECK].metadata


def test_the_rows_show_seconds_without_the_noise_of_adding(checked: Checked) -> None:
    checked.engagement(engaged(totalWatchTime=10_000.1 + 0.2))
    [row] = sample_of(checked.results(ENGAGEMENT)[CHECK])
    assert str(row["totalWatchTime"]) == "10000.3"
