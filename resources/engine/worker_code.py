"""The platform's own code, on the executors: kernels import it there."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from pyspark.sql import SparkSession

PACKAGES = ("video_assets", "resources")
_ROOT = Path(__file__).parents[2]


def ship_code(session: SparkSession) -> None:
    """Send our packages to the session's executors.

    The code comes from the Dagster process, so workers never run another version of it. They need
    installed what kernels import: `numpy`, `obstore`, `orjson`, `pyarrow`, `pydantic`, and for the
    lifetime views `httpx` and `tenacity`.
    """
    with tempfile.TemporaryDirectory() as folder, _unchanged_import_path():
        archive = Path(folder) / "video_assets.zip"
        write_archive(archive)
        session.addArtifacts(str(archive), pyfile=True)


def write_archive(archive: Path) -> None:
    """Write the Python files of our packages as an archive that Python can import from."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as written:
        for package in PACKAGES:
            for file in sorted((_ROOT / package).rglob("*.py")):
                written.write(file, file.relative_to(_ROOT))


@contextmanager
def _unchanged_import_path() -> Iterator[None]:
    """PySpark puts the archive on this process's path too, where it soon is a dead entry."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before
