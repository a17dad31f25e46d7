"""The project as after a clone and an installation, in a folder of its own."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from video_assets.settings import PREFIX

ROOT = Path(__file__).parents[2]
FOREIGN = (PREFIX, "DAGSTER_", "PYTEST_", "MAKE", "COLUMNS")
_PARTS = ("Makefile", "constraints.txt", "pyproject.toml", "workspace.yaml", "queries")
_PACKAGES = ("asset_checks", "resources", "video_assets")
_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Checkout:
    """A folder with the project's files; what it makes, such as `.env` and `data`, is its own."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> "Checkout":
        """Links to this project's files, and an environment with all that this one has."""
        for name in (*_PARTS, *_PACKAGES):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").mkdir()
        for part in Path(sys.prefix).iterdir():
            (folder / ".venv" / part.name).symlink_to(part)
        # Newer than what it is made of, so that `make` installs nothing.
        ready = folder / ".venv" / ".ready"
        ready.unlink(missing_ok=True)
        ready.touch()
        return cls(folder)

    def bash(self, commands: str, seconds: int = 300) -> subprocess.CompletedProcess[str]:
        """What commands print, errors included; the first that fails ends them."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],  # noqa: S607
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(self.folder), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )


def commands_of(page: str, heading: str) -> list[str]:
    """The blocks of commands of a section of a Markdown page."""
    _, _, rest = page.partition(f"\n## {heading}\n")
    section, _, _ = rest.partition("\n## ")
    return _BLOCK.findall(section)
