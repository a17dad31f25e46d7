"""Who may read the files that this process makes: tables, reports, Dagster's records."""

import os
from typing import Literal

Access = Literal["owner", "group", "everyone"]
_MASKS = {"owner": 0o077, "group": 0o027, "everyone": 0o022}


def open_new_files_to(access: Access) -> None:
    """Let others read what this process makes from now on, or not; only the owner writes."""
    os.umask(_MASKS[access])
