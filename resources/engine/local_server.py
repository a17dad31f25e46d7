"""What an Apache Spark server needs for this platform, and a server for this process alone."""

import os
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark import SparkConf, SparkContext

# Delta Lake 4.4 is the first release for Spark 4.2; both names and versions belong together.
DELTA_PACKAGE = "io.delta:delta-spark_4.2_2.13:4.4.0"
# Spark ships these itself, in versions of its own: 13 MB remain to be fetched instead of 87.
SHIPPED_WITH_SPARK = (
    "com.fasterxml.jackson.core",
    "com.fasterxml.jackson.datatype",
    "com.github.luben",
    "com.google.code.findbugs",
    "commons-logging",
    "commons-pool",
    "io.airlift",
    "javax.annotation",
    "org.apache.hadoop",
    "org.apache.logging.log4j",
    "org.apache.parquet",
    "org.locationtech.jts",
    "org.roaringbitmap",
    "org.slf4j",
    "org.xerial.snappy",
)
DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_JARS = "spark.jars"
_LOOPBACK = "127.0.0.1"
_TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # noqa: S105 (the name of a variable)
# A process that uses Spark Connect hands this on to those it starts, where no server could start.
_CONNECT_MODE = "SPARK_CONNECT_MODE_ENABLED"
_QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
# Nobody looks at the history of such a server, and the platform has some twenty tables: what Spark
# and Delta keep by default fills the memory of a process that lives long.
_FORGETFUL = {
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
    "spark.ui.retainedTasks": "100",
    "spark.sql.ui.retainedExecutions": "10",
    "spark.databricks.delta.delta.log.cacheSize": "50",
}


def delta_config(config: Mapping[str, str]) -> dict[str, str]:
    """Settings that give a server Delta Lake, under what a person set.

    Args:
        config: a person's settings; with `spark.jars` (files, for a machine without network)
            nothing is fetched.
    """
    packages = {
        "spark.jars.packages": DELTA_PACKAGE,
        "spark.jars.excludes": ",".join(f"{group}:*" for group in SHIPPED_WITH_SPARK),
    }
    return {**DELTA_SETTINGS, **({} if _JARS in config else packages), **config}


def start_local(master: str, config: Mapping[str, str]) -> str:
    """Start Spark in the background of this process, which it does not outlive.

    Spark's own `remote("local[*]")` always takes port 15002, so that a second process would reach
    the Spark of the first; here each process has its own port and token.

    Args:
        master: such as `local[*]`.
        config: Spark settings.

    Returns:
        Spark Connect URL.

    Raises:
        RuntimeError: a Spark with other settings runs in this process.
        pyspark.errors.PySparkException: Java or the Delta jars cannot be had.
    """
    wanted = (master, tuple(sorted(config.items())))
    if _running and wanted not in _running:
        raise RuntimeError(
            "a Spark with other settings runs in this process; start a new process for these"
        )
    if not _running:
        _running[wanted] = _start(master, config)
    return _running[wanted]


_running: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}


def _start(master: str, config: Mapping[str, str]) -> str:
    # The workers would otherwise be whatever `python3` is on the path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    port, token = free_port(), secrets.token_hex(16)
    settings = {
        **_QUIET,
        **_FORGETFUL,
        "spark.master": master,
        "spark.app.name": "video_assets",
        "spark.driver.host": _LOOPBACK,
        "spark.driver.bindAddress": _LOOPBACK,
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": str(2 * len(os.sched_getaffinity(0))),
        **delta_config(config),
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": _LOOPBACK,
        "spark.connect.grpc.binding.port": str(port),
    }
    with _environment(**{_TOKEN: token, _CONNECT_MODE: None}):
        SparkContext(conf=SparkConf().setAll(list(settings.items())))
    return f"sc://localhost:{port}/;token={token}"


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _environment(**variables: str | None) -> Iterator[None]:
    """Variables that are set, or not (None), in the block and in what is started there."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
