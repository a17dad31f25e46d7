"""A small Apache Spark cluster of separate processes on this machine, to try and to test.

`python -m resources.engine.local_cluster` starts a standalone master, two workers and a Connect
server, all on the loopback interface, and stops them when it is interrupted.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pyspark

from resources.engine.local_server import delta_config, free_port

_SPARK = Path(pyspark.__file__).parent
_CLASS = str(_SPARK / "bin" / "spark-class")
_SUBMIT = str(_SPARK / "bin" / "spark-submit")
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
_LOOPBACK = "127.0.0.1"
_OLDEST_JAVA = 17
_SMALL = {"SPARK_DAEMON_MEMORY": "256m"}
_STARTED_WITHIN = 90.0
_CAUSE = re.compile("Exception|Error|ERROR")
# The command and all that it starts end when this process ends, however it does: then the pipe
# that `read` waits for is closed.
_WITH_THIS_PROCESS = '("$@" </dev/null; kill -9 0) & read _; kill -9 0'


class ClusterError(RuntimeError):
    """The cluster did not start; the message says why."""


class ClusterNotToBeHadError(ClusterError):
    """This machine lacks Java, or the jars of Delta Lake and a network to fetch them from."""


@dataclass(frozen=True)
class ClusterSize:
    """How much of the machine the cluster takes.

    Attributes:
        workers: processes that stand for machines.
        cores: tasks that a worker runs at once.
        memory: of a worker's executor, as the JVM spells it; its Python processes are extra.
        driver_memory: of the Connect server.
    """

    workers: int = 2
    cores: int = 1
    memory: str = "1g"
    driver_memory: str = "1g"


@dataclass
class Process:
    """A process of the cluster, with everything that it started.

    Attributes:
        name: what it is, in messages.
        log: file with its output.
    """

    name: str
    log: Path
    _popen: "subprocess.Popen[bytes]"

    @classmethod
    def start(
        cls, name: str, folder: Path, command: Sequence[str], environment: Mapping[str, str]
    ) -> "Process":
        """Start the command in a session of its own."""
        log = folder / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 (commands of this module)
                ["/bin/sh", "-c", _WITH_THIS_PROCESS, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        return cls(name, log, popen)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._popen.poll() is None

    def kill(self) -> None:
        """End it and all that it started, at once (SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        if self._popen.stdin is not None:
            self._popen.stdin.close()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait for it.

        Raises:
            ClusterError: it ended, or is not ready in time.
        """
        deadline = time.monotonic() + _STARTED_WITHIN
        while not is_ready():
            if not self.is_alive or time.monotonic() > deadline:
                raise self._failure()
            time.sleep(0.1)

    def _failure(self) -> ClusterError:
        said = self.log.read_text(errors="replace")
        if "UNRESOLVED DEPENDENCIES" in said:
            return ClusterNotToBeHadError(
                "the jars of Delta Lake can neither be fetched nor are they on this machine; "
                "name files by the Spark setting `spark.jars`"
            )
        state = "is not ready" if self.is_alive else "ended"
        causes = [line for line in said.splitlines() if _CAUSE.search(line)]
        return ClusterError(f"{self.name} {state}: {' '.join(causes[-1:])} (log: {self.log})")


@dataclass
class LocalCluster:
    """A running cluster.

    Attributes:
        folder: logs and the workers' files.
        size: how much of the machine it takes.
        workers: one process for each worker.
        url: Spark Connect URL, for `VIDEO_ASSETS_SPARK_REMOTE`.
        ui: address of the master's web page.
    """

    folder: Path
    size: ClusterSize
    config: Mapping[str, str]
    python: str
    workers: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose the ports."""
        self._master_port, self._ui_port, self._connect_port = (free_port() for _ in range(3))
        self._processes: list[Process] = []

    @property
    def url(self) -> str:
        """Spark Connect URL."""
        return f"sc://{_LOOPBACK}:{self._connect_port}"

    @property
    def ui(self) -> str:
        """The master's web page."""
        return f"http://{_LOOPBACK}:{self._ui_port}"

    def start(self) -> None:
        """Start everything, and wait until a session can be had.

        Raises:
            ClusterError: a process ended or is not ready in time.
        """
        _require_java()
        master = self._run("master", self._master_command(), **_SMALL)
        master.wait_until(lambda: _listens(self._master_port))
        for number in range(self.size.workers):
            self.start_worker(f"worker-{number}")
        self.workers[-1].wait_until(lambda: self.alive_workers() == self.size.workers)
        self.start_connect_server()

    def start_worker(self, name: str) -> None:
        """Add a worker."""
        self.workers.append(self._run(name, self._worker_command(name), **_SMALL))

    def start_connect_server(self) -> None:
        """Start the Connect server, which is the driver of all sessions."""
        self.connect_server = self._run("connect", self._connect_command())
        self.connect_server.wait_until(lambda: _listens(self._connect_port))

    def alive_workers(self) -> int:
        """Workers that the master knows to be alive."""
        try:
            answer = httpx.get(f"{self.ui}/json/", timeout=5, trust_env=False)
            return int(answer.json()["aliveworkers"])
        except (httpx.TransportError, json.JSONDecodeError):  # its web page is not there yet
            return 0

    def stop(self) -> None:
        """End all processes; those of the newest first, so that nobody mourns another."""
        for process in reversed(self._processes):
            process.kill()

    def _run(self, name: str, command: Sequence[str], **environment: str) -> Process:
        environment |= {
            "PYSPARK_PYTHON": self.python,
            "SPARK_LOCAL_IP": _LOOPBACK,
            "TZ": "UTC",
        }
        process = Process.start(name, self.folder, command, environment)
        self._processes.append(process)
        return process

    def _master_command(self) -> list[str]:
        ports = ["--port", str(self._master_port), "--webui-port", str(self._ui_port)]
        return [_CLASS, _MASTER, "--host", _LOOPBACK, *ports]

    def _worker_command(self, name: str) -> list[str]:
        share = ["--cores", str(self.size.cores), "--memory", self.size.memory]
        place = ["--host", _LOOPBACK, "--webui-port", "0", "--work-dir", str(self.folder / name)]
        return [_CLASS, _WORKER, *place, *share, f"spark://{_LOOPBACK}:{self._master_port}"]

    def _connect_command(self) -> list[str]:
        settings = {
            "spark.driver.host": _LOOPBACK,
            "spark.driver.memory": self.size.driver_memory,
            "spark.executor.memory": self.size.memory,
            "spark.connect.grpc.binding.address": _LOOPBACK,
            "spark.connect.grpc.binding.port": str(self._connect_port),
            # The number of tasks follows the cores of the executors that are there.
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.log.level": "ERROR",
            "spark.ui.enabled": "false",
            **delta_config(self.config),
        }
        flags = [part for pair in settings.items() for part in ("--conf", "=".join(pair))]
        master = ["--master", f"spark://{_LOOPBACK}:{self._master_port}"]
        return [_SUBMIT, *master, "--class", _CONNECT, *flags, "spark-internal"]


@contextmanager
def local_cluster(
    size: ClusterSize = ClusterSize(),
    config: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Iterator[LocalCluster]:
    """A cluster for the time of the block.

    Args:
        size: how much of the machine it takes.
        config: Spark settings of the Connect server and its executors.
        python: what the executors run kernels with.

    Raises:
        ClusterError: it does not start.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        cluster = LocalCluster(Path(folder), size, config or {}, python)
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    version = _java_version(java) if java and Path(java).exists() else None
    if version is None or version < _OLDEST_JAVA:
        found = "there is none" if version is None else f"{java} is {version}"
        raise ClusterNotToBeHadError(
            f"Apache Spark needs Java {_OLDEST_JAVA} or newer, and {found}: install it, "
            "or set JAVA_HOME"
        )


def _java_version(java: str) -> int | None:
    command = [java, "-XshowSettings:properties", "-version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr  # noqa: S603 (Java's own switches)
    key = "java.specification.version = "
    line = next((line for line in said.splitlines() if key in line), "")
    version = line.rpartition("=")[2].strip()
    return int(version) if version.isdecimal() else None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_LOOPBACK, port)) == 0


def main() -> int:
    """Start a cluster, say how to use it, and wait."""
    given = _arguments()
    size = ClusterSize(given.workers, given.cores, given.memory)
    try:
        with local_cluster(size) as cluster:
            print(_how_to_use(cluster), flush=True)  # noqa: T201 (a command speaks)
            signal.pause()
    except ClusterError as error:
        print(error, file=sys.stderr)  # noqa: T201 (as above)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m resources.engine.local_cluster",
        description="An Apache Spark cluster of processes on this machine, until Ctrl-C.",
    )
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--cores", type=int, default=1, help="cores of each worker")
    parser.add_argument("--memory", default="1g", help="memory of each worker's executor")
    return parser.parse_args()


def _how_to_use(cluster: LocalCluster) -> str:
    return (
        f"A master, {cluster.size.workers} workers and a Spark Connect server are running.\n"
        f"  VIDEO_ASSETS_ENGINE=spark VIDEO_ASSETS_SPARK_REMOTE={cluster.url} make demo\n"
        f"Web page of the master: {cluster.ui}; logs: {cluster.folder}. Ctrl-C stops all."
    )


if __name__ == "__main__":
    sys.exit(main())
