"""Sources that cannot be read, and the one clear error that each must give."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.source_files import write
from support.tables import Row
from support.world import Run, World

from resources.delta.table import Table
from video_assets.sources.errors import SourceError

Build = Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """A broken source below a folder, and what the error must name.

    Attributes:
        build: makes the source; gives the file that is wrong.
        names: what the message must hold besides that file.
        source: what the setting names, relative to the folder.
        settings: other settings that the case needs.
    """

    build: Build
    names: tuple[str, ...]
    source: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def lone_file(name: str, rows: list[Row]) -> Build:
    return lambda root: write(root / name, rows)


def file_behind(good: list[Row], suffix: str, rows: list[Row]) -> Build:
    """The file that only a task looks into, behind one that is as it should be."""

    def build(root: Path) -> Path:
        write(root / f"a.{suffix}", good)
        return write(root / f"b.{suffix}", rows)

    return build


def delta(rows: list[Row]) -> Build:
    def build(root: Path) -> Path:
        write_deltalake(str(root), pa.Table.from_pylist(rows), mode="append")
        return root

    return build


def nothing(root: Path) -> Path:
    return root


def rows_without(rows: list[Row], column: str) -> list[Row]:
    return [{name: row[name] for name in row if name != column} for row in rows]


@dataclass(frozen=True)
class Reading:
    """Tables that are filled from a source.

    Attributes:
        world: the tables of a good run, which no failed run may change.
        setting: which one names the source.
        days: the days of a run.
        tables: what a run computes.
    """

    world: World
    setting: str
    days: Sequence[date]
    tables: Collection[Table]

    def must_fail(self, case: Case, folder: Path) -> None:
        """With one clear error, and without a trace."""
        wrong = case.build(folder)
        before = self.world.files()
        broken = self._of(folder / case.source, **case.settings)
        with pytest.raises(SourceError) as raised:
            broken.compute(*self.days, tables=self.tables)
        assert raised.type is SourceError
        message = str(raised.value).strip()
        assert "SourceError" not in message
        assert "\n" not in message
        assert len(message) < 600
        assert [part for part in case.names if part not in message] == []
        assert str(wrong if "*" not in case.source else folder.parent) in message
        assert self.world.files() == before

    def must_fail_the_run(self, source: Path, names: Sequence[str]) -> None:
        """The same of a run through Dagster."""
        before = self.world.files()
        run = self.attempt(source)
        assert not run.succeeded
        assert run.error.cls_name == "SourceError"
        message = run.error.message.strip()
        assert message.count("SourceError") == 1
        assert "\n" not in message
        assert [part for part in (*names, str(source)) if part not in message] == []
        assert self.world.files() == before

    def attempt(self, source: Path) -> Run:
        """A run through Dagster over another source."""
        return self._of(source).attempt(*self.days, tables=self.tables)

    def _of(self, source: Path, **settings: Any) -> World:
        return self.world.with_settings(**{self.setting: str(source)}, **settings)
