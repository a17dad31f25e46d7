"""Which warehouse the history in a Dagster home is of."""

import os
from pathlib import Path

from resources.storage import normalized

_FILE = ".video_assets_warehouse"


def note_warehouse(warehouse: str) -> str | None:
    """Note which warehouse this Dagster home's history is of, once.

    Args:
        warehouse: path or URI of the warehouse that is used now.

    Returns:
        the noted warehouse where it is another one; None where there is no home.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home or not Path(home).is_dir():
        return None
    note, now = Path(home) / _FILE, normalized(warehouse)
    try:
        with note.open("x", encoding="utf-8") as file:
            file.write(now)
    except FileExistsError:
        known = note.read_text("utf-8")
        return None if known == now else known
    return None
