"""What Dagster recorded of the newest write of each partition of a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

# Dagster offers no public name: what says which materialization a check has looked at.
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from resources.delta.write_metadata import OF_RUN

LookedAt = AssetCheckEvaluationTargetMaterializationData


@dataclass(frozen=True)
class NewestWrites:
    """Looks each partition up once.

    Attributes:
        instance: whose event log is read.
        asset: key of the table's asset.
    """

    instance: dg.DagsterInstance
    asset: dg.AssetKey
    _known: dict[str, dg.EventLogRecord | None] = field(default_factory=dict)

    def counts(self, days: Iterable[date]) -> Mapping[date, Mapping[str, float]]:
        """Metadata that are numbers, of each partition that was written."""
        wanted = list(days)
        self.look_up(map(str, wanted))
        written = {day: self._written(str(day)) for day in wanted}
        return {day: _numbers(one) for day, one in written.items() if one is not None}

    def looked_at(self, partition: str) -> LookedAt | None:
        """What ties the verdict on a partition to its newest write."""
        record = self._newest(partition)
        if record is None:
            return None
        return LookedAt(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )

    def look_up(self, partitions: Iterable[str]) -> None:
        """Read what is not known yet of some partitions, all at once."""
        unknown = sorted(set(partitions) - self._known.keys())
        if not unknown:
            return
        self._known.update(dict.fromkeys(unknown))
        newest = self.instance.get_latest_storage_id_by_partition(
            self.asset, dg.DagsterEventType.ASSET_MATERIALIZATION, set(unknown)
        )
        if newest:
            wanted = dg.AssetRecordsFilter(self.asset, storage_ids=list(newest.values()))
            found = self.instance.fetch_materializations(wanted, limit=len(newest))
            self._known.update({r.partition_key: r for r in found.records if r.partition_key})

    def _newest(self, partition: str) -> dg.EventLogRecord | None:
        self.look_up([partition])
        return self._known[partition]

    def _written(self, partition: str) -> dg.AssetMaterialization | None:
        record = self._newest(partition)
        return record.asset_materialization if record else None


def counts_of_run(written: dg.AssetMaterialization) -> Mapping[str, float]:
    """Metadata that are numbers, of all partitions of the run that wrote this one."""
    numbers = _numbers(written)
    of_run = {n.removesuffix(OF_RUN): v for n, v in numbers.items() if n.endswith(OF_RUN)}
    return {**numbers, **of_run}


def _numbers(written: dg.AssetMaterialization) -> Mapping[str, float]:
    values = {name: entry.value for name, entry in written.metadata.items()}
    return {name: value for name, value in values.items() if isinstance(value, int | float)}
