"""The Dagster command line, as a user at the repository's root calls it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from support import forked
from support.tables import stored
from support.world import TABLES, Row

from resources.delta.commit import open_table
from resources.delta.table import Table
from video_assets.catalog import asset_key

ROOT = Path(__file__).parents[2]
DG = Path(sys.executable).with_name("dg")
MODULE = ("-m", "video_assets.definitions")
PLAYER_EVENTS = " or ".join(f'key:"{asset_key(table).to_user_string()}"' for table in TABLES)


@dataclass(frozen=True)
class CommandLine:
    """Dagster with a home and settings of its own, all by environment variables."""

    folder: Path
    settings: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.folder / "dagster_home"

    @classmethod
    def at(cls, folder: Path, **settings: str) -> "CommandLine":
        """With the instance's settings that come along."""
        line = cls(folder, settings)
        line.home.mkdir()
        shutil.copy(ROOT / "resources/runs/dagster.yaml", line.home)
        return line

    def launch(
        self, assets: str, *partitions: str, **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        """Materialize assets as the README says, in a process that need not start anew."""
        command = ("dg", "launch", "--assets", assets, *partitions)
        return forked.run(*command, environment=self._environment(settings))

    def call(self, *arguments: str, has_home: bool = True) -> "subprocess.CompletedProcess[str]":
        """Call `dg` as the shell does."""
        environment = self._environment({})
        if not has_home:
            del environment["DAGSTER_HOME"]
        return subprocess.run(
            [DG, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return forked.environment_of_a_shell({**self.settings, **settings}, self.home)

    def failed_checks(self, table: Table) -> dict[str, str]:
        """Checks of a table that did not pass when they were asked last, and what they say."""
        failed = {}
        with self._instance() as instance:
            events = instance.event_log_storage.get_logs_for_all_runs_by_log_id(
                dagster_event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
            )
        for _, event in sorted(events.items()):
            said = event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
            if said.asset_key == asset_key(table):
                failed[said.check_name] = "" if said.passed else said.description
        return {name: text for name, text in failed.items() if text}

    def rows(self, table: Table) -> list[Row]:
        return stored(open_table(f"{self.settings['WAREHOUSE']}/video/{table.name}"))

    @contextmanager
    def _instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance, whose own settings ask the environment where its home is."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(self.home))
            with dg.DagsterInstance.from_config(str(self.home)) as instance:
                yield instance

    def days_that_dagster_knows(self, table: Table) -> set[str]:
        with self._instance() as instance:
            return instance.get_materialized_partitions(asset_key(table))
