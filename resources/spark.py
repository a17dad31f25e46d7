"""The engine: one Spark Connect session a process, embedded (`sail`) or Apache Spark (`spark`)."""

import os
import sys
import time
from functools import cache
from typing import Any, Literal

from dagster import InitResourceContext
from dagster_pyspark import PySparkResource
from pydantic import Field
from pyspark.sql import SparkSession

from video_assets.settings import Settings

DELTA_PACKAGE = "io.delta:delta-spark_4.2_2.13:4.4.0"
LOCAL_SPARK_CONFIG = {
    "spark.jars.packages": DELTA_PACKAGE,
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
}
SESSION_CONFIG = {"spark.sql.session.timeZone": "UTC"}


class EngineError(RuntimeError):
    """The engine cannot be reached or started; the message says what to set or start."""


class SparkEngine(PySparkResource):
    """Hands out the process's Spark Connect session; nothing starts before it is asked for."""

    spark_config: dict[str, Any] = Field(
        default_factory=dict, description="Spark settings, over the defaults of this module."
    )
    engine: Literal["sail", "spark"] = Field("sail", description="What is behind the session.")
    spark_remote: str | None = Field(
        None, description="Spark Connect URL, or `local[*]`, for the engine `spark`."
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> "SparkEngine":
        """The engine that the settings name."""
        return cls(
            engine=settings.engine,
            spark_remote=settings.spark_remote,
            spark_config=dict(settings.spark_config),
        )

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Do nothing: a step that computes nothing shall not wait for an engine."""

    @property
    def spark_session(self) -> SparkSession:
        """The session of this process, started at the first call.

        Raises:
            EngineError: it cannot be started or reached.
        """
        config = tuple(sorted({key: str(v) for key, v in self.spark_config.items()}.items()))
        return _session(self.engine, self.spark_remote, config)

    @property
    def cores(self) -> int:
        """Tasks that the engine runs at once, as far as known: a guide for partition counts."""
        if self.engine == "sail":
            return len(os.sched_getaffinity(0))
        return int(self.spark_session.conf.get("spark.sql.shuffle.partitions") or "8")

    @property
    def spark_context(self) -> Any:
        """Spark Connect has no SparkContext.

        Raises:
            EngineError: always.
        """
        raise EngineError("Spark Connect has no SparkContext: use `spark_session`.")


@cache
def _session(
    engine: str, spark_remote: str | None, config: tuple[tuple[str, str], ...]
) -> SparkSession:
    use_utc()
    url = _url_of(_sail_server()) if engine == "sail" else spark_remote or "local[*]"
    static = LOCAL_SPARK_CONFIG if url.startswith("local") else {}
    try:
        return _connect(url, {**static, **SESSION_CONFIG, **dict(config)})
    except Exception as error:
        raise EngineError(_how_to_repair(url, error)) from error


def use_utc() -> None:
    """Make the process's local time UTC: Spark Connect hands times to Python as local ones."""
    os.environ["TZ"] = "UTC"
    time.tzset()


@cache
def _sail_server() -> Any:
    """The embedded server; cached, because it stops when nothing refers to it any more."""
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer  # noqa: PLC0415 (only this engine needs it)

    server = SparkConnectServer()
    server.start(background=True)
    return server


def _url_of(server: Any) -> str:
    host, port = server.listening_address
    return f"sc://{host}:{port}"


def _connect(url: str, config: dict[str, str]) -> SparkSession:
    # The JVM's Python workers otherwise start whatever `python3` is on the path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.remote(url)
    for key, value in config.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.range(1).count()
    return session


def _how_to_repair(url: str, error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
    return (
        f"No Spark session from {url}: {first_line}. Check VIDEO_ASSETS_SPARK_REMOTE and that a "
        "Spark Connect server answers there (`local[*]` needs Java 17 or newer); "
        "VIDEO_ASSETS_ENGINE=sail needs neither."
    )
