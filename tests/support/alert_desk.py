"""An instance on disk, a warehouse, a webhook, and the sensor between them."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from support.tables import delta, stored
from support.webhook import Webhook, free_port, listening

from resources.alerts.channels import channels_of
from resources.alerts.outbox import AlertOutbox
from video_assets.automation.alert_sensor import tick
from video_assets.settings.alerts import AlertSettings
from video_assets.tables import ALERTS

DAYS = dg.DailyPartitionsDefinition("2025-01-01", timezone="UTC")
EVENTS = dg.AssetKey(["video", "raw_events"])
UI = "https://dagster.example.org"


class Desk:
    """Reports what happens, and ticks as the daemon does: the cursor survives, nothing else."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.warehouse = str(home / "warehouse")
        self.webhook = Webhook(free_port())
        self.settings = AlertSettings(alert_urls=self.webhook.url, ui_url=UI)
        self.cursor: str | None = None
        self.now = datetime.now(UTC)
        self.closing = ExitStack()
        self.restart()

    def restart(self) -> None:
        """A new process: everything but what is on disk is gone."""
        self.closing.close()
        instance = dg.DagsterInstance.local_temp(str(self.home / "dagster"))
        self.instance = self.closing.enter_context(instance)

    def report(self, check: str = "no_null_keys", *, passed: bool = False, **more: Any) -> None:
        """A check of a day's raw events, as a run of its own would report it."""
        evaluation = dg.AssetCheckEvaluation(
            **{
                "asset_key": EVENTS,
                "check_name": check,
                "passed": passed,
                "severity": dg.AssetCheckSeverity.ERROR,
                "partition": "2025-01-03",
                "metadata": {"problem": "raw_events: 3 rows have no user", "rows": 3},
                **more,
            }
        )
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name="daily",
            event_specific_data=evaluation,
        )
        self.instance.report_dagster_event(event, run_id=str(uuid4()))

    def tick(
        self, *, later: timedelta = timedelta(0), saves_cursor: bool = True
    ) -> dg.SensorResult:
        self.now += later
        result = tick(
            dg.build_sensor_context(
                instance=self.instance, cursor=self.cursor, repository_def=repository()
            ),
            AlertOutbox(self.warehouse, ALERTS),
            channels_of(self.settings),
            self.settings.ui_url,
            self.now,
        )
        if saves_cursor:
            self.cursor = result.cursor
        return result

    def up(self) -> Any:
        return listening(self.webhook)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return stored(delta(self.warehouse, ALERTS))


def repository() -> dg.RepositoryDefinition:
    @dg.asset(
        key=EVENTS,
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def raw_events() -> None: ...

    @dg.asset(key=["video", "engagement"])
    def engagement() -> None: ...

    return dg.Definitions(assets=[raw_events, engagement]).get_repository_def()
