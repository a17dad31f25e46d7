"""One measurement in a process of its own: seconds, CPU seconds, peak memory of the tree."""

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SAMPLED_EVERY = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measurement:
    """What one run took.

    Attributes:
        seconds: wall clock of the work alone, as the process itself took it.
        cpu_seconds: user and system time of the work alone, over the process tree; where the
            process does not tell, start-up included.
        peak_bytes: largest sum of resident memory over the process tree.
        output: what the process says of its result.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: dict[str, Any]


class FailedRunError(RuntimeError):
    """A measured process failed; the message is the end of what it wrote."""


def measure(command: Sequence[str], **environment: object) -> Measurement:
    """Run a command whose last line is a JSON object with `seconds`.

    Args:
        command: the command.
        environment: variables beside those of this process.

    Raises:
        FailedRunError: it ended with an error.
    """
    before = os.times()
    process = subprocess.Popen(  # noqa: S603 (the benchmark's own scripts)
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {name: str(value) for name, value in environment.items()},
    )
    peak = _Peak(process.pid)
    written, errors = process.communicate()
    peak.stop()
    after = os.times()
    if process.returncode:
        raise FailedRunError("\n".join(errors.strip().splitlines()[-8:]))
    output = json.loads(written.strip().splitlines()[-1])
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    cpu = output.pop("cpu_seconds", cpu)
    return Measurement(output.pop("seconds"), cpu, peak.bytes, output)


def cpu_seconds(root: int) -> float:
    """User and system time of a process and its living children."""
    return sum(map(_cpu_seconds, _tree(root)))


def _cpu_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Peak:
    """Samples the memory of a process and all of its children."""

    def __init__(self, root: int) -> None:
        self.bytes = 0
        self._root = root
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLED_EVERY):
            self.bytes = max(self.bytes, sum(map(_resident, _tree(self._root))))


def _tree(root: int) -> list[int]:
    found = [root]
    for process in found:
        with suppress(OSError):  # it ended
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def median(runs: Sequence[Measurement]) -> Measurement:
    """Medians of time, and the largest memory."""
    return Measurement(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.cpu_seconds for run in runs),
        max(run.peak_bytes for run in runs),
        runs[-1].output,
    )


def script(name: str, *arguments: object) -> list[str]:
    """The command of a script beside this one."""
    return [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]


def machine() -> str:
    """What the figures were measured on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30
    return (
        f"{names[0] if names else platform.processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory:.0f} GiB, {platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} "
        f"at {time.strftime('%Y-%m-%d %H:%M')}"
    )
