from datetime import UTC, date, datetime, timedelta

import pytest

from resources.alerts.alert import Alert, Kind, Severity, State
from resources.alerts.messages import LONGEST_TITLE, digest, headline

DAYS = tuple(str(date(2025, 1, 1) + timedelta(days=n)) for n in range(31))


def alert(number: int = 1, **changed: object) -> Alert:
    values = {
        "alert_id": f"id{number}",
        "state": State.FAILED,
        "kind": Kind.CHECK,
        "subject": f"video/table_{number}: unique",
        "severity": Severity.ERROR,
        "partitions": ("2025-01-03",),
        "problem": "two rows have one key",
        "details": ("rows: 2", "to do: look"),
        "at": datetime(2025, 1, 4, 2, tzinfo=UTC),
        "event_id": number,
        "run_id": "",
        "asset": f"video/table_{number}",
        "check": "unique",
    }
    return Alert(**{**values, **changed})


@pytest.mark.parametrize(
    ("partitions", "shown"),
    [
        (("",), ""),
        (("2025-01-03",), ", 2025-01-03"),
        (DAYS, ", 2025-01-01 to 2025-01-31, 31 days"),
        (("a to b",), ", a to b"),
        (tuple("abcdefg"), ", a, b, c, d, e and 2 more"),
    ],
)
def test_the_headline_names_the_partitions_in_few_words(
    partitions: tuple[str, ...], shown: str
) -> None:
    assert headline(alert(partitions=partitions)) == f"video/table_1: unique{shown}"


def test_several_alerts_are_all_listed_while_they_are_few() -> None:
    message = digest([alert(n) for n in (1, 2, 3, 4)], 6000)
    assert message.title == (
        "[ERROR] 4 alerts: video/table_1, video/table_2, video/table_3 and 1 more"
    )
    assert message.body.count("two rows have one key") == 4
    assert "are listed" not in message.body


def test_of_many_alerts_ten_are_listed_and_all_are_counted() -> None:
    body = digest([alert(n % 3, event_id=n) for n in range(300)], 6000).body
    assert body.count("two rows have one key") == 10
    assert "10 of 300 alerts are listed, 290 are not" in body
    assert "100 x video/table_1: unique" in body


@pytest.mark.parametrize("longest", [200, 1000, 2000])
def test_a_message_fits_into_what_its_channel_takes(longest: int) -> None:
    long = [alert(n, problem="x" * 900, subject="s" * 600, asset="a" * 600) for n in range(50)]
    message = digest(long, longest)
    assert len(message.body) <= longest
    assert len(message.title) <= LONGEST_TITLE
    assert "50 alerts" in message.title + message.body
