"""What follows from what: assets whose partitions differ cannot share a run, so they follow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce
from operator import or_
from typing import Any

import dagster as dg

from video_assets.analytics.tables import DAILY_ANALYTICS_TABLES
from video_assets.catalog import asset_key, being_computed, input_changed, moves
from video_assets.daily_views.tables import MISSING_DATES
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS
from video_assets.report.assets import KEY as REPORT
from video_assets.vocabulary import SCHEMA_NAME

Condition = dg.AutomationCondition[Any]
Origins = Sequence[dg.AssetKey]
Inputs = Mapping[dg.AssetKey, Sequence[dg.AssetKey]]
# From events to sessions to engagement to the analysts' tables.
LEVELS_WAITED_FOR = 3


def follows_its_inputs(origins: Origins = ()) -> Condition:
    """Compute a partition again when one of its inputs changed.

    It waits until no input is being computed or checked, and while a blocking check of an input
    fails.

    Args:
        origins: see `_inputs_move`.
    """
    condition = _after_its_inputs(origins=origins)
    return _labelled(condition, "an input changed, and no blocking check of one fails")


def follows_at_rest(origins: Origins = ()) -> Condition:
    """Compute once more when an input changed, and nothing before it has moved for two looks.

    Dagster tells an asset what is asked for at the same look only where both can share a run. So
    what reads days, and has none itself, sees a look later that one of its inputs follows.

    Args:
        origins: see `_inputs_move`.
    """
    condition = _after_its_inputs(origins=origins) & ~(~_inputs_move(origins)).newly_true()
    return _labelled(condition, "an input changed, and all that it reads has come to rest")


def follows_its_day(waits_for: dg.AssetKey) -> Condition:
    """Compute a day again when its own inputs changed, once another input knows of them.

    Args:
        waits_for: the input that changes with every day: its change alone makes no day stale.
    """
    condition = _after_its_inputs(dg.AssetSelection.assets(waits_for))
    return _labelled(condition, f"the day changed, and {waits_for.path[-1]} knows of it")


def asks_once_a_day(after: dg.AssetKey) -> Condition:
    """Compute today's partition once, after the day's inputs came in: asking costs quota.

    No partition of an input leads to it, so that a backfill of past days asks for none of them.

    Args:
        after: an asset without partitions that follows the same inputs.
    """
    condition = dg.AutomationCondition
    is_open = condition.in_latest_time_window() & condition.missing()
    came_in: Any = condition.asset_matches(after, condition.newly_updated())
    is_due = came_in.since(condition.newly_requested() | condition.newly_updated())
    rests = ~condition.asset_matches(after, moves()) & ~being_computed()
    return _labelled(
        is_open & is_due & rests, "today was not asked yet, and the day's inputs came in"
    )


def automated(assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> list[Any]:
    """The assets, where those that read tables of ours follow them.

    An asset that has a condition of its own keeps it. The account of deliveries follows nothing:
    the runs that read write it, and `new_deliveries` asks for it.
    """
    found = list(assets)
    specs = [s for a in found for s in (a.specs if isinstance(a, dg.AssetsDefinition) else [a])]
    inputs = {spec.key: [dep.asset_key for dep in spec.deps] for spec in specs}
    return list(dg.map_asset_specs(partial(_with_condition, inputs), found))


def _with_condition(inputs: Inputs, spec: dg.AssetSpec) -> dg.AssetSpec:
    reads_ours = any(dep.asset_key.path[0] == SCHEMA_NAME for dep in spec.deps)
    if spec.automation_condition or not reads_ours or spec.key == asset_key(SOURCE_FILES):
        return spec
    of_table = _OF_TABLES.get(spec.key, follows_its_inputs)
    if spec.partitions_def is None:
        of_table = partial(of_table, _origins(inputs, spec.key))
    return spec.replace_attributes(automation_condition=of_table())


def _origins(inputs: Inputs, key: dg.AssetKey) -> Origins:
    """What an asset is computed from, in so many steps as are waited for; each once."""
    found: set[dg.AssetKey] = set()
    level = [key]
    for _ in range(LEVELS_WAITED_FOR):
        level = [above for below in level for above in inputs.get(below, ())]
        found.update(level)
    return sorted((key for key in found if inputs.get(key)), key=dg.AssetKey.to_user_string)


def _after_its_inputs(waits_only: dg.AssetSelection | None = None, origins: Origins = ()) -> Any:
    """Once all inputs rest after one of them changed, however many runs and days changed them.

    What this asset itself computed after the change counts as handled, in whatever run: a range, a
    job, a backfill. So no run asks for what it computes, and a run that fails before it leaves the
    change to be handled. Dagster's own `any_deps_updated` looks at the run of the newest partition
    alone, and would compute what follows from a range again.

    Args:
        waits_only: inputs that are waited for, and whose change is no reason.
        origins: see `_inputs_move`.
    """
    condition = dg.AutomationCondition
    # A blocking check with nothing to look at records no result: it has not failed.
    unsafe = condition.any_checks_match(
        condition.check_failed() | condition.in_progress(), blocking_only=True
    )
    coming = _inputs_move(origins)
    if waits_only is not None:
        changed = condition.any_deps_match(
            condition.newly_updated() | condition.will_be_requested()
        )
        behind = changed.since(condition.newly_updated())
        coming |= condition.any_deps_match(behind).allow(waits_only)
    return (
        input_changed(waits_only) & ~coming & ~condition.any_deps_match(unsafe) & ~being_computed()
    )


def _inputs_move(origins: Origins) -> Any:
    """Whether an input moves, or what an input is computed from.

    Args:
        origins: these of an asset without partitions. Dagster writes down each step of a condition
            at each look, 1 kB a step: a way of its own to each of them would be megabytes. Empty:
            the partitions of the inputs that lead to the asset's own are looked for.
    """
    if origins:
        return reduce(or_, (dg.AutomationCondition.asset_matches(o, moves()) for o in origins))
    return dg.AutomationCondition.any_deps_match(_moves(LEVELS_WAITED_FOR))


def _moves(levels: int) -> Any:
    """Whether an input, or one of its inputs, is being computed or was just now.

    What has two ways from the change to here follows once, after the longer one.
    """
    if levels == 1:
        return moves()
    return moves() | dg.AutomationCondition.any_deps_match(_moves(levels - 1))


_OF_TABLES: Mapping[dg.AssetKey, Callable[..., Condition]] = {
    asset_key(LIFETIME_SNAPSHOTS): partial(asks_once_a_day, asset_key(MISSING_DATES)),
    REPORT: follows_at_rest,
    **{
        asset_key(table): partial(follows_its_day, asset_key(ENGAGEMENT))
        for table in DAILY_ANALYTICS_TABLES
    },
}


def _labelled(condition: Any, label: str) -> Condition:
    labelled: Condition = condition.with_label(label)
    return labelled
