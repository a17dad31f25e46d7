"""What a person reads who names partitions that are not there."""

from datetime import date

import pytest

from video_assets.partition_errors import (
    CommandError,
    KnownDays,
    explain,
    named_partitions,
    refuse_what_selects_nothing,
)

DAYS = KnownDays(first=date(2025, 1, 10), today=date(2025, 2, 1), include_today=False)
THERE = "Days that are there: 2025-01-10 (VIDEO_ASSETS_START_DATE) to 2025-01-31."
TO_SET = "set that to the first day of your data"
MONTHS = "a month of video/monthly_views is named by its first day"
UNKNOWN = "must have a PartitionsDefinition containing the passed partition key `x`"


def said_of(*options: str) -> str:
    return explain(UNKNOWN, ["launch", "--assets", "group:engagement", *options], DAYS)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            ("--partition", "2025-01-09"),
            "2025-01-09 lies before VIDEO_ASSETS_START_DATE (2025-01-10); " + TO_SET,
        ),
        (
            ("--partition=2025-02-01",),
            "2025-02-01 is not over yet; with VIDEO_ASSETS_INCLUDE_TODAY=true it is a day too",
        ),
        (("--partition-range", "2025-01-31...2025-02-02"), "2025-02-02 lies in the future"),
        (("--partition", "31.1.2025"), "'31.1.2025' is no day; write it as 2025-01-10"),
        (
            ("--partition", "2025-01-15"),
            f"2025-01-15: {MONTHS}, such as 2025-01-01",
        ),
    ],
)
def test_a_day_that_is_not_there_says_why(options: tuple[str, ...], why: str) -> None:
    assert said_of(*options) == f"{why}. {THERE}"


def test_where_no_day_is_over_the_setting_is_named() -> None:
    days = KnownDays(first=date(2025, 2, 1), today=date(2025, 2, 1), include_today=False)
    said = explain("Asset has partitions, but no '--partition' option was provided", [], days)
    assert "none is over yet since 2025-02-01 (VIDEO_ASSETS_START_DATE)" in said


def test_partitions_of_several_kinds_are_named_with_their_assets() -> None:
    said = explain("There is no PartitionsDefinition shared by all the provided assets", [], DAYS)
    assert "run one command for each kind" in said
    assert "video/monthly_views has months" in said
    assert "video/lifetime_snapshots and video/lifetime_view_history have days up to today" in said


def test_other_messages_stay_as_they_are() -> None:
    assert explain("Invalid partition range format.", [], DAYS) == "Invalid partition range format."


def test_a_command_without_partitions_names_none() -> None:
    assert named_partitions(["launch", "--job", "maintenance"]) == []


def nothing(_: str) -> bool:
    return False


def anything(_: str) -> bool:
    return True


@pytest.mark.parametrize(
    "command",
    [("launch", "--assets", "group:event"), ("asset", "materialize", "--select=group:event")],
)
def test_a_selection_of_no_asset_is_refused_before_dagster_takes_it_for_all(
    command: tuple[str, ...],
) -> None:
    with pytest.raises(CommandError, match=r"no asset is selected by group:event\. Name"):
        refuse_what_selects_nothing([*command], nothing)
    refuse_what_selects_nothing([*command], anything)


def test_commands_that_launch_nothing_may_select_nothing() -> None:
    refuse_what_selects_nothing(["list", "defs", "--assets", "group:event"], nothing)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    days = ("--partition-range", "2025-01-07...2025-01-01")
    with pytest.raises(CommandError, match=r"2025-01-07\.\.\.2025-01-01 goes backwards"):
        refuse_what_selects_nothing(["launch", "--assets", "group:engagement", *days], anything)


def test_days_for_assets_without_days_are_told() -> None:
    said = explain(
        "Provided '--partition' option, but none of the assets are partitioned", [], DAYS
    )
    assert said == "The selected assets have no days: leave the option --partition out."


def test_a_selection_that_cannot_be_read_says_how_selections_are_written() -> None:
    said = explain("Invalid selection string: group:x and", [], DAYS)
    assert said.startswith("'group:x and' is no selection of assets. Name an asset as 'key:")
