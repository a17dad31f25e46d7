"""What Dagster shows of the assets, and when it computes sessions again by itself."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from resources.delta.table import Table
from video_assets.catalog import ENGAGEMENT as ENGAGEMENT_GROUP
from video_assets.catalog import KINDS, OWNERS, PLAYER_EVENTS, asset_key
from video_assets.definitions import build_definitions
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS
from video_assets.player_events.tables import RAW_EVENTS, REJECTED_EVENTS
from video_assets.settings import Settings
from video_assets.tables import TABLES
from video_assets.vocabulary import SCHEMA_NAME

START = date(2025, 1, 1)
PARTITIONED = (RAW_EVENTS, REJECTED_EVENTS, SESSIONS)
# A constant of the run has no column above it.
WITHOUT_LINEAGE = {"processedAt"}


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    warehouse = str(tmp_path_factory.mktemp("definitions"))
    return build_definitions(Settings(warehouse=warehouse, start_date=START, _env_file=None))


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def tables(specs: dict[str, dg.AssetSpec]) -> dict[str, dg.AssetSpec]:
    """The specs of our tables by the table's name."""
    prefix = f"{SCHEMA_NAME}/"
    ours = {key.removeprefix(prefix): spec for key, spec in specs.items() if key.startswith(prefix)}
    assert ours.keys() <= TABLES.keys()
    return ours


def test_all_definitions_load(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_assets_made_of_player_events_are_these(specs: dict[str, dg.AssetSpec]) -> None:
    groups = (PLAYER_EVENTS, ENGAGEMENT_GROUP)
    assert sorted(key for key, spec in specs.items() if spec.group_name in groups) == [
        "source/player_events",
        "source/video_metadata",
        "video/aggregated_user_video_engagement",
        "video/described_videos",
        "video/raw_events",
        "video/rejected_events",
        "video/sessions",
        "video/video_metadata",
    ]


def test_every_asset_has_a_description_and_a_group(specs: dict[str, dg.AssetSpec]) -> None:
    for key, spec in specs.items():
        assert len((spec.description or "").split()) >= 5, key
        assert spec.group_name != "default", key


def test_every_table_has_owners_and_kinds(tables: dict[str, dg.AssetSpec]) -> None:
    for name, spec in tables.items():
        assert spec.owners == OWNERS, name
        assert spec.kinds == KINDS, name


def test_every_table_shows_its_declared_columns(tables: dict[str, dg.AssetSpec]) -> None:
    for name, spec in tables.items():
        shown = spec.metadata["dagster/column_schema"].columns
        assert [
            (column.name, column.type, column.description, column.constraints.nullable)
            for column in shown
        ] == [(c.name, c.type_name, c.comment, c.nullable) for c in TABLES[name].columns]


def test_column_lineage_names_columns_of_the_assets_just_above(
    tables: dict[str, dg.AssetSpec],
) -> None:
    checked = 0
    for name, spec in tables.items():
        if "dagster/column_lineage" not in spec.metadata:
            continue
        above = {dep.asset_key for dep in spec.deps}
        for column, deps in spec.metadata["dagster/column_lineage"].deps_by_column.items():
            assert column in TABLES[name].column_names
            for dep in deps:
                assert dep.asset_key in above, (name, column)
                assert dep.column_name in TABLES[dep.asset_key.path[-1]].column_names
                checked += 1
    assert checked > 0


@pytest.mark.parametrize("table", [SESSIONS, ENGAGEMENT])
def test_every_derived_column_says_where_it_comes_from(
    table: Table, tables: dict[str, dg.AssetSpec]
) -> None:
    lineage = tables[table.name].metadata["dagster/column_lineage"].deps_by_column
    assert lineage.keys() == set(table.column_names) - WITHOUT_LINEAGE
    assert all(lineage.values())
    assert lineage.keys() == {column.name for column in table.columns if column.origin}


def test_every_table_links_to_the_function_that_computes_it(
    tables: dict[str, dg.AssetSpec],
) -> None:
    for name, spec in tables.items():
        [reference] = spec.metadata["dagster/code_references"].code_references
        file = Path(reference.file_path)
        assert file.name == "assets.py", name
        assert "@dg." in file.read_text("utf-8").splitlines()[reference.line_number - 1], name


def test_every_table_s_storage_is_named_in_its_metadata(tables: dict[str, dg.AssetSpec]) -> None:
    for name, spec in tables.items():
        assert spec.metadata.get("partition_expr") == TABLES[name].partition_by


@pytest.mark.parametrize("table", PARTITIONED)
def test_event_tables_have_a_partition_a_day_in_utc(
    table: Table, tables: dict[str, dg.AssetSpec]
) -> None:
    days = tables[table.name].partitions_def
    assert isinstance(days, dg.DailyPartitionsDefinition)
    assert days.timezone == "UTC"
    now = datetime(2025, 1, 4, 0, 30, tzinfo=UTC)
    assert list(days.get_partition_keys(now)) == ["2025-01-01", "2025-01-02", "2025-01-03"]


def test_tables_of_all_days_have_no_partitions(tables: dict[str, dg.AssetSpec]) -> None:
    for name in (ENGAGEMENT.name, "video_metadata"):
        assert tables[name].partitions_def is None


def test_a_backfill_of_any_table_of_player_events_is_a_single_run(defs: dg.Definitions) -> None:
    for table in (*PARTITIONED, ENGAGEMENT, TABLES["video_metadata"]):
        asset = defs.resolve_assets_def(asset_key(table))
        assert asset.backfill_policy == dg.BackfillPolicy.single_run(), table.name


class Automation:
    """Ticks of Dagster's automation, between which days are materialized by hand."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._defs = defs
        self._instance = instance
        self._cursor: dg.AssetDaemonCursor | None = None

    def materialize(self, table: Table, *days: str) -> None:
        for day in days:
            event = dg.AssetMaterialization(asset_key(table), partition=day)
            self._instance.report_runless_asset_event(event)

    def requested(self) -> set[str | None]:
        """The days of sessions that are asked for by the next two ticks: a change rests first."""
        assert self._tick() == set()
        return self._tick()

    def _tick(self) -> set[str | None]:
        result = dg.evaluate_automation_conditions(
            self._defs,
            self._instance,
            asset_selection=dg.AssetSelection.assets(asset_key(SESSIONS)),
            evaluation_time=datetime(2025, 1, 10, 12, tzinfo=UTC),
            cursor=self._cursor,
        )
        self._cursor = result.cursor
        return set(result.get_requested_partitions(asset_key(SESSIONS)))


ALL_DAYS = tuple(f"2025-01-0{day}" for day in range(1, 10))


@pytest.fixture
def automation(defs: dg.Definitions, tmp_path: Path) -> Iterator[Automation]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Automation(defs, instance)


def test_a_changed_event_day_asks_for_its_sessions_and_those_of_the_next_day(
    automation: Automation,
) -> None:
    automation.materialize(RAW_EVENTS, *ALL_DAYS[:5])
    automation.materialize(SESSIONS, *ALL_DAYS[:5])
    automation.requested()
    automation.materialize(RAW_EVENTS, "2025-01-02")
    assert automation.requested() == {"2025-01-02", "2025-01-03"}


def test_events_that_change_right_after_their_sessions_were_computed_are_not_overlooked(
    automation: Automation,
) -> None:
    automation.materialize(RAW_EVENTS, *ALL_DAYS[:5])
    automation.materialize(SESSIONS, *ALL_DAYS[:5])
    automation.requested()
    automation.materialize(SESSIONS, "2025-01-02")
    automation.materialize(RAW_EVENTS, "2025-01-02")
    assert automation.requested() == {"2025-01-02", "2025-01-03"}
    automation.materialize(RAW_EVENTS, "2025-01-02")
    assert automation.requested() == {"2025-01-02", "2025-01-03"}


def test_sessions_asked_for_are_not_asked_for_again_once_they_ran(automation: Automation) -> None:
    automation.materialize(RAW_EVENTS, *ALL_DAYS[:5])
    automation.materialize(SESSIONS, *ALL_DAYS[:5])
    automation.requested()
    automation.materialize(RAW_EVENTS, "2025-01-02")
    automation.requested()
    assert automation.requested() == set()
    automation.materialize(SESSIONS, "2025-01-02", "2025-01-03")
    assert automation.requested() == set()
    assert automation.requested() == set()


def test_sessions_that_were_never_there_are_not_asked_for(automation: Automation) -> None:
    automation.requested()
    automation.materialize(RAW_EVENTS, *ALL_DAYS[:3])
    assert automation.requested() == set()
    automation.materialize(RAW_EVENTS, "2025-01-02")
    assert automation.requested() == set()


def test_the_last_event_day_asks_for_no_day_that_is_not_there(automation: Automation) -> None:
    automation.materialize(RAW_EVENTS, *ALL_DAYS[:3])
    automation.materialize(SESSIONS, *ALL_DAYS[:3])
    automation.requested()
    automation.materialize(RAW_EVENTS, "2025-01-03")
    assert automation.requested() == {"2025-01-03"}


def test_an_event_day_that_comes_late_asks_for_the_sessions_after_it(
    automation: Automation,
) -> None:
    automation.materialize(RAW_EVENTS, "2025-01-01", "2025-01-03")
    automation.materialize(SESSIONS, "2025-01-01", "2025-01-03")
    automation.requested()
    automation.materialize(RAW_EVENTS, "2025-01-02")
    assert automation.requested() == {"2025-01-03"}


def test_other_tables_ask_for_nothing(automation: Automation) -> None:
    automation.materialize(RAW_EVENTS, *ALL_DAYS[:3])
    automation.materialize(SESSIONS, *ALL_DAYS[:3])
    automation.requested()
    automation.materialize(REJECTED_EVENTS, "2025-01-02")
    assert automation.requested() == set()
