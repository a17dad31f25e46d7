"""The engine: one Spark Connect session a process, embedded (`sail`) or Apache Spark (`spark`)."""

import logging
import os
import time
import traceback
from collections.abc import Mapping
from threading import Lock
from typing import Any, Literal, Protocol, cast

from dagster import InitResourceContext
from dagster_pyspark import PySparkResource
from pydantic import Field
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.client.retries import DefaultPolicy
from pyspark.sql.connect.session import SparkSession as ConnectSession

from resources.engine.compute_slots import available_cores, default_processes
from resources.engine.embedded_server import DoorError, embedded_server
from resources.engine.errors import engine_message
from resources.engine.local_server import start_local
from resources.engine.worker_code import ship_code
from resources.engine.worker_pool import use_workers
from resources.secrecy import HIDDEN, hide, secrets_of, without_secrets

# What the engine answers is raised, in one line: Spark's client need not print its pages of gRPC.
logging.getLogger("pyspark.sql.connect.logging").setLevel(logging.CRITICAL)

_UTC = {"spark.sql.session.timeZone": "UTC"}
# Where in our code an expression was made is a tenth of the time of a plan, and Sail never says it.
SAIL_CONFIG = {**_UTC, "spark.python.sql.dataFrameDebugging.enabled": "false"}
SPARK_CONFIG = {
    **_UTC,
    "spark.sql.adaptive.enabled": "true",
    # Ten thousand rows a batch, Spark's default, spend much of the time on the batches themselves;
    # without a bound in bytes, a batch of packed blocks would not fit into memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 * 1024 * 1024),
    # Delta reads a table's log by 50 tasks otherwise, which takes longer than reading the table.
    "spark.databricks.delta.snapshotPartitions": "4",
}
# About 20 s until a server that does not answer is an error; PySpark's own policy takes 10 minutes.
_RETRIES = 7
_LONGEST_WAIT = 5_000
# Otherwise a server that is there again goes unnoticed for up to two minutes.
_SOON_AGAIN = ("grpc.max_reconnect_backoff_ms", 1_000)
_ROWS_TO_CUT = 2**20
_FIXED_BY_THE_SERVER = ("CANNOT_MODIFY_CONFIG", "CANNOT_MODIFY_STATIC_CONFIG")


class EngineError(RuntimeError):
    """The engine cannot be reached or started; the message says what to set or start."""


class EngineSettings(Protocol):
    """The settings that name an engine."""

    @property
    def engine(self) -> Literal["sail", "spark"]:
        """`sail`: embedded; `spark`: Apache Spark."""

    @property
    def spark_remote(self) -> str | None:
        """Spark Connect URL, or `local[*]`."""

    @property
    def spark_config(self) -> Mapping[str, str]:
        """Settings of the Spark session."""

    @property
    def worker_processes(self) -> int | None:
        """Processes that compute for the embedded engine; None: as the machine has cores."""


class SparkEngine(PySparkResource):
    """Hands out the process's Spark Connect session; nothing starts before it is asked for."""

    spark_config: dict[str, Any] = Field(
        default_factory=dict, description="Spark settings, over the defaults of this module."
    )
    engine: Literal["sail", "spark"] = Field("sail", description="What is behind the session.")
    spark_remote: str | None = Field(
        None, description="Spark Connect URL, or `local[*]`, for the engine `spark`."
    )
    worker_processes: int | None = Field(
        None, description="Processes that compute for the engine `sail`; 0: threads of this one."
    )

    @classmethod
    def from_settings(cls, settings: EngineSettings) -> "SparkEngine":
        """The engine that the settings name.

        Dagster shows a resource's fields in its UI and keeps them with each run: tokens and
        values of Spark settings stay in this process.
        """
        remote, config = settings.spark_remote, dict(settings.spark_config)
        engine = cls(
            engine=settings.engine,
            spark_remote=remote and without_secrets(remote),
            spark_config=dict.fromkeys(config, HIDDEN),
            worker_processes=settings.worker_processes,
        )
        _unshown[engine._shown()] = (remote, config)
        return engine

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Do nothing: a step that computes nothing shall not wait for an engine."""

    @property
    def spark_session(self) -> SparkSession:
        """The session of this process, started at the first call, and again when it was lost.

        Raises:
            EngineError: it cannot be started or reached.
        """
        if self.engine == "sail":
            count = self.worker_processes
            use_workers(default_processes() if count is None else count)
        remote, values = _unshown.get(self._shown(), (self.spark_remote, self.spark_config))
        config = tuple(sorted({key: str(v) for key, v in values.items()}.items()))
        return _session(self.engine, remote, config)

    def _shown(self) -> "_Shown":
        return self.spark_remote, tuple(sorted(map(str, self.spark_config.items())))

    @property
    def cores(self) -> int:
        """Tasks that the engine runs at once, as far as known: a guide for partition counts.

        For Apache Spark it is how many parts it cuts an input into: all cores of the executors
        that are there, or `spark.sql.leafNodeDefaultParallelism`, which is for clusters that grow
        on demand.
        """
        if self.engine == "sail":
            return available_cores()
        rows = self.spark_session.range(_ROWS_TO_CUT)
        return rows.select(F.spark_partition_id().alias("part")).distinct().count()

    @property
    def spark_context(self) -> Any:
        """Spark Connect has no SparkContext.

        Raises:
            EngineError: always.
        """
        raise EngineError("Spark Connect has no SparkContext: use `spark_session`.")


_Shown = tuple[str | None, tuple[str, ...]]
# What the fields of an engine only hint at.
_unshown: dict[_Shown, tuple[str | None, dict[str, str]]] = {}

_Key = tuple[str, str | None, tuple[tuple[str, str], ...]]
_sessions: dict[_Key, SparkSession] = {}
_one_at_a_time = Lock()


def _session(
    engine: str, spark_remote: str | None, config: tuple[tuple[str, str], ...]
) -> SparkSession:
    key = (engine, spark_remote, config)
    with _one_at_a_time:
        known = _sessions.get(key)
        if known is None or (engine == "spark" and not _answers(known)):
            _sessions[key] = _started(engine, spark_remote or "local[*]", dict(config))
        return _sessions[key]


def _answers(session: SparkSession) -> bool:
    """Servers forget a session after an hour without work, and when they are started again."""
    try:
        session.conf.get("spark.sql.session.timeZone")
    except PySparkException:
        _give_up(session)
        return False
    return True


def _give_up(session: SparkSession) -> None:
    """Take leave of a server that is gone: PySpark would ask it again when this process ends."""
    session.client.set_retry_policies([])
    session.client.close()


def _started(engine: str, remote: str, config: dict[str, str]) -> SparkSession:
    use_utc()
    url = "the embedded engine" if engine == "sail" else remote
    try:
        if engine == "sail":
            return _connect(_EmbeddedChannel(), {**SAIL_CONFIG, **config})
        if remote.startswith("local"):
            url = start_local(remote, {**SPARK_CONFIG, **config})
            session = _connect(_channel(url), {})
        else:
            session = _connect(_channel(remote), {**SPARK_CONFIG, **config})
        ship_code(session)
    except Exception as error:
        secrets = secrets_of(remote, config)
        message = hide(_how_to_repair(remote, error), secrets)
        told = "".join(traceback.format_exception(error))
        if hide(told, secrets) != told:  # Dagster keeps the causes of an error, too
            raise EngineError(message) from None
        raise EngineError(message) from error
    return session


def use_utc() -> None:
    """Make the process's local time UTC: Spark Connect hands times to Python as local ones."""
    os.environ["TZ"] = "UTC"
    time.tzset()


class _EmbeddedChannel(DefaultChannelBuilder):
    """A channel to the server of this process, which has no URL."""

    def __init__(self) -> None:
        super().__init__("sc://localhost", channelOptions=[_SOON_AGAIN])

    def toChannel(self) -> Any:  # noqa: N802 (PySpark's name)
        return self._insecure_channel(embedded_server())


def _channel(url: str) -> DefaultChannelBuilder:
    return DefaultChannelBuilder(url, channelOptions=[_SOON_AGAIN])


def _connect(channel: DefaultChannelBuilder, config: dict[str, str]) -> SparkSession:
    # What PySpark's own `remote(url)` does, which takes no options of the channel. It makes
    # `pyspark.sql.functions` those of Spark Connect.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    session = cast("SparkSession", ConnectSession.builder.channelBuilder(channel).create())
    session.client.set_retry_policies(
        [DefaultPolicy(max_retries=_RETRIES, max_backoff=_LONGEST_WAIT)]
    )
    try:
        for key, value in config.items():
            _configure(session, key, value)
        session.range(1).count()
    except Exception:
        _give_up(session)
        raise
    return session


def _configure(session: SparkSession, key: str, value: str) -> None:
    try:
        session.conf.set(key, value)
    except PySparkException as error:
        if error.getCondition() not in _FIXED_BY_THE_SERVER:
            raise
        raise EngineError(
            f"VIDEO_ASSETS_SPARK_CONFIG: {key} is fixed when a Spark server starts. Set it where "
            "the server is started, and leave it out here."
        ) from error


def _how_to_repair(remote: str, error: Exception) -> str:
    if isinstance(error, EngineError | DoorError):
        return str(error)
    cause = engine_message(error) or repr(error)
    return (
        f"No Spark session from {without_secrets(remote)}: {cause}. {_remedy(remote)} "
        "VIDEO_ASSETS_ENGINE=sail needs neither Java nor a server."
    )


def _remedy(remote: str) -> str:
    if remote.startswith("local"):
        return (
            "Spark needs Java 17 or newer, and at its first start a network from which to fetch "
            "Delta Lake, or its jars by VIDEO_ASSETS_SPARK_CONFIG="
            '{"spark.jars": "/path/a.jar,/path/b.jar"}.'
        )
    return "Check VIDEO_ASSETS_SPARK_REMOTE, and that a Spark Connect server answers there."
