"""Tables of the page as CSV, held by the page itself: saved without a server and without script."""

import base64
import csv
import io
import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"-?\d{1,3}(,\d{3})*(\.\d+)?|-?\d+(\.\d+)?")
# What begins so would be a formula in a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UNFIT = re.compile(r"[^\w-]+")
# With a byte order mark Excel reads UTF-8.
_MARK = "\ufeff"


def csv_address(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A link's address that is the table itself, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    content = base64.b64encode(f"{_MARK}{text.getvalue()}".encode()).decode()
    return f"data:text/csv;charset=utf-8;base64,{content}"


def csv_name(title: str) -> str:
    """A file name for a table: nothing in it means anything to a file system."""
    return f"{_UNFIT.sub('_', title).strip('_').lower()[:60] or 'table'}.csv"


def _cell(shown: str) -> str:
    """A number without marks between thousands; a text that no spreadsheet takes for a formula."""
    if _NUMBER.fullmatch(shown):
        return shown.replace(",", "")
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
