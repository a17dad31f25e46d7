#!/usr/bin/env bash
# Dagster 1.13.27 (run_retries enabled) stores that a run failed first, and the run's status after
# it, in another database. The daemon that starts failed runs again reads each failure once: a look
# between the two writes finds a run that goes on, leaves it alone, and moves its cursor on, so that
# a run which is marked with `dagster/will_retry: true` is never retried. A guess is that a failure
# that was stored is retried sooner or later. Here somebody else writes to the runs' database for a
# moment, as a second run does.
# Seen: looked at afterwards: taken up; looked at in between: FAILURE, will_retry true, not taken up
# by the look nor by the next ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27
cd "$folder"
mkdir home
printf 'telemetry:\n  enabled: false\nrun_retries:\n  enabled: true\n  max_retries: 1\n' > home/dagster.yaml
cat > look.py <<'PYTHON'
import logging
import sqlite3
import threading
import time
import warnings

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
CRASH = JobFailureData(None, RunFailureReason.UNEXPECTED_TERMINATION)
# What the daemon says of a run that it would retry, and whose code it does not find.
TAKEN_UP = "unable to retry the run"


@dg.job
def job():
    pass


def started(instance):
    run = instance.create_run_for_job(job)
    begin = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name="job")
    instance.report_dagster_event(begin, run.run_id)
    return instance.get_run_by_id(run.run_id)


def is_taken_up(instance, run):
    return any(TAKEN_UP in event.message or TAKEN_UP in event.user_message
               for event in instance.all_logs(run.run_id))


with dg.DagsterInstance.from_config("home") as instance, WorkspaceProcessContext(
    instance, EmptyWorkspaceTarget()
) as workspace:
    daemon = EventLogConsumerDaemon()

    def look():
        list(daemon.run_iteration(workspace))

    look()
    first, second = started(instance), started(instance)

    instance.report_run_failed(first, "killed", CRASH)
    look()
    afterwards = is_taken_up(instance, first)

    other = sqlite3.connect("home/history/runs.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    failing = threading.Thread(target=instance.report_run_failed, args=(second, "killed", CRASH))
    failing.start()
    time.sleep(1)
    looking = threading.Thread(target=look)
    looking.start()
    time.sleep(1)
    other.execute("COMMIT")
    failing.join()
    looking.join()
    look()
    look()
    run = instance.get_run_by_id(second.run_id)
    between = is_taken_up(instance, run)
    tag = run.tags.get("dagster/will_retry")
print(f"dagster {dg.__version__}: looked at afterwards: taken up {afterwards}; in between: "
      f"{run.status.value}, will_retry {tag}, taken up {between}")
assert afterwards, "the first run"
assert (run.status.value, tag, between) == ("FAILURE", "true", False), "the second run"
PYTHON
venv/bin/python look.py
