"""What people read about the checks is what the checks do."""

from asset_checks.definitions import RULES
from asset_checks.reference import PAGE, page_with_checks

# Longer lines are left out of alerts.
LONGEST_REMEDY = 110


def test_the_operator_s_page_lists_the_checks_as_they_are_declared() -> None:
    page = PAGE.read_text("utf-8")
    assert page_with_checks(page) == page, "run `make docs`"


def test_every_check_says_what_to_do_in_one_short_line() -> None:
    remedies = {rule.name: rule.remedy for rules in RULES.values() for rule in rules}
    assert [name for name, remedy in remedies.items() if len(remedy.split()) < 5] == []
    assert [name for name, remedy in remedies.items() if len(remedy) > LONGEST_REMEDY] == []
