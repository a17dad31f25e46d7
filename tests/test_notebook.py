"""The example notebook runs from top to bottom, and prints what its file shows."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = pytest.mark.processes

JUPYTER_EXECUTE = Path(sys.executable).with_name("jupyter-execute")
NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def stored() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def printed(notebook: Any) -> list[str]:
    """What each cell of code prints."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(output.text for output in cell.outputs) for cell in cells]


def test_the_notebook_prints_what_its_file_shows(stored: Any, tmp_path: Path) -> None:
    output = tmp_path / "executed.ipynb"
    command = [JUPYTER_EXECUTE, "--timeout=120", f"--output={output}", NOTEBOOK]
    subprocess.run(command, check=True, capture_output=True)
    fresh = nbformat.read(output, as_version=4)
    assert printed(fresh) == printed(stored)
    assert any("43.33" in text for text in printed(fresh))


def test_the_file_names_no_folder_of_a_machine(stored: Any) -> None:
    text = nbformat.writes(stored)
    assert not [name for name in ("/home", "/tmp", "/Users", "/work") if name in text]  # noqa: S108 (not used)


def test_the_file_is_a_valid_notebook(stored: Any) -> None:
    nbformat.validate(stored)
