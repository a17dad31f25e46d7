"""Apache Spark with Delta Lake in a process of its own: another tool on the same tables.

As a program it starts the server, prints its URL, and stops when its input ends.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.connect.session import SparkSession as ConnectSession

from resources.delta.table import Table
from resources.engine.local_server import start_local

_ROOT = Path(__file__).parents[2]
# Small tables, and files that nobody else reads: VACUUM may take them at once.
_CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # A few statements on a few rows: compiling them takes longer than running them.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@dataclass(frozen=True)
class ForeignSpark:
    """Runs SQL on tables by their folders, as people do who know nothing of the platform."""

    session: SparkSession

    def sql(self, warehouse: str, *statements: str) -> list[Any]:
        """Run statements in which a table's name in braces stands for its folder."""
        rows: list[Any] = []
        for statement in statements:
            rows = self.session.sql(statement.format_map(_Folders(warehouse))).collect()
        return rows

    def count(self, warehouse: str, table: Table) -> int:
        folder = _Folders(warehouse)[table.name]
        return self.session.table(folder).count()


class _Folders(dict[str, str]):
    def __init__(self, warehouse: str) -> None:
        super().__init__()
        self._warehouse = warehouse

    def __missing__(self, name: str) -> str:
        return f"delta.`{self._warehouse}/video/{name}`"


@contextmanager
def foreign_spark() -> Iterator[ForeignSpark]:
    """A server for the block; the test is skipped where there is no Java."""
    if not (which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("no Java: Apache Spark cannot be another writer")
    paths = os.pathsep.join(map(str, (_ROOT, _ROOT / "tests")))
    with subprocess.Popen(
        [sys.executable, "-m", "support.foreign_spark"],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = next(line.strip() for line in server.stdout if line.startswith("sc://"))
        session = ConnectSession.builder.remote(url).create()
        try:
            yield ForeignSpark(session)  # type: ignore[arg-type]
        finally:
            session.stop()
            server.stdin.close()


if __name__ == "__main__":
    sys.stdout.write(f"{start_local('local[2]', _CONFIG)}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)
