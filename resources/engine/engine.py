"""What a computation needs of an engine; the resource that starts one is in `session.py`."""

from typing import Protocol

from pyspark.sql import SparkSession


class Engine(Protocol):
    """A Spark Connect session, and how much it does at once.

    Kernels travel with the module that defines them, and workers have no Dagster: what stages a
    table names this, and not the resource.
    """

    @property
    def spark_session(self) -> SparkSession:
        """The session of this process."""

    @property
    def cores(self) -> int:
        """Tasks that the engine runs at once."""
