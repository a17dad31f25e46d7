"""The table of checks in the operator's documentation, made from the rules: `make docs`."""

from pathlib import Path

from asset_checks.definitions import RULES
from asset_checks.rules import ERROR, Rule

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
START = "<!-- checks: made by `make docs` -->\n"
END = "<!-- end of checks -->\n"


def checks_reference() -> str:
    """All checks as a Markdown table, by table in the order of the graph."""
    head = "| table | check | severity | what must hold | what to do |\n" + "| --- " * 5 + "|\n"
    return head + "".join(_line(rule) for rules in RULES.values() for rule in rules)


def page_with_checks(page: str) -> str:
    """The page with its table of checks renewed."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return before + START + checks_reference() + END + after


def _line(rule: Rule) -> str:
    severity = rule.severity.value + (", blocking" if rule.blocking else "")
    bold = f"**{severity}**" if rule.severity is ERROR else severity
    limits = "".join(f" `{name.upper()}`" for name in rule.thresholds)
    holds = f"{rule.description}{f' Limits:{limits}.' if limits else ''}"
    return f"| `{rule.table.name}` | `{rule.name}` | {bold} | {holds} | {rule.remedy} |\n"


if __name__ == "__main__":
    PAGE.write_text(page_with_checks(PAGE.read_text("utf-8")), "utf-8")
