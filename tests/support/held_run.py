"""A code location of one job whose step holds a pool until a file is there."""

import os
import time
from pathlib import Path

import dagster as dg

from resources.runs.executor import one_process_executor

FOLDER = "HELD_RUN_FOLDER"
POOL = "held"


@dg.op(pool=POOL)
def wait_for_the_file() -> None:
    folder = Path(os.environ[FOLDER])
    (folder / f"started-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.1)


@dg.job(executor_def=one_process_executor)
def held() -> None:
    wait_for_the_file()


defs = dg.Definitions(jobs=[held])
