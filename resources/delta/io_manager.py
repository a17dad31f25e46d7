"""Dagster's door to the tables: assets return frames or staged files, and receive frames."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from dagster import InitResourceContext, InputContext, OutputContext, ResourceDependency, TimeWindow

# Dagster offers no public name for the handler's base.
from dagster._core.storage.db_io_manager import DbIOManager, DbTypeHandler, TableSlice
from dagster_deltalake import (
    AzureConfig,
    DeltaLakeIOManager,
    GcsConfig,
    LocalConfig,
    S3Config,
)
from dagster_deltalake.io_manager import DeltaLakeDbClient, TableConnection
from dagster_pyspark import PySparkResource
from pyspark.sql import DataFrame, SparkSession

from resources.delta.commit import commit
from resources.delta.errors import MissingTableError, SchemaMismatchError, TableError
from resources.delta.schema_check import Days, days_between, describe_days
from resources.delta.stage import StagedTable, stage_frame, table_location
from resources.delta.table import Table
from resources.delta.warehouse import Warehouse
from resources.delta.write_metadata import output_metadata, partition_metadata, written_line
from resources.storage import normalized, provider

Window = tuple[date, date]
# Metadata of an input whose table may not be there yet: it has no rows then.
MAY_BE_ABSENT = "may_be_absent"
# Metadata of an input of which all rows are read, whichever partitions the mapping names.
READ_AS_A_WHOLE = "read_as_a_whole"
StorageConfig = LocalConfig | S3Config | AzureConfig | GcsConfig


class VideoDeltaIOManager(DeltaLakeIOManager):
    """Stores the asset `video/<table>` as the Delta table of that name among `tables`.

    An asset returns a Spark DataFrame, or a `StagedTable` whose files its tasks wrote already. A
    partitioned asset names the table's partition column in its metadata `partition_expr`; a run
    replaces exactly its days (or months), one partition or a range. Inputs arrive as DataFrames
    of the partitions that the partition mapping names, or of all rows where the input's metadata
    says so, with the columns of its metadata `columns` when it has any.

    Credentials come from the standard environment variables of the warehouse's provider.
    """

    spark: ResourceDependency[PySparkResource]
    tables: ResourceDependency[Mapping[str, Table]]

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """None here: the handlers need this resource's session and warehouse."""
        return []

    def create_io_manager(self, context: InitResourceContext) -> DbIOManager:  # noqa: ARG002 (Dagster's signature)
        """The IO manager, with handlers that ask for the session when they first need it."""
        return DbIOManager(
            db_client=DeltaLakeDbClient(),
            database="deltalake",
            schema=self.schema_,
            type_handlers=[
                DataFrameHandler(self.root_uri, self.tables, lambda: self.spark.spark_session),
                StagedTableHandler(self.root_uri, self.tables),
            ],
            default_load_type=DataFrame,
            io_manager_name=type(self).__name__,
        )


def build_io_manager(
    warehouse: str, spark: PySparkResource, tables: Mapping[str, Table]
) -> VideoDeltaIOManager:
    """The IO manager of declared tables, by name, below `warehouse`, a path or URI."""
    root = normalized(warehouse)
    return VideoDeltaIOManager(
        root_uri=root, storage_options=_storage_config(root), spark=spark, tables=tables
    )


def _storage_config(root: str) -> StorageConfig:
    kind = provider(root)
    if kind == "azure":
        return AzureConfig(account_name=urlsplit(root).netloc.rpartition("@")[2].split(".")[0])
    configs: dict[str, Callable[[], StorageConfig]] = {
        "local": LocalConfig,
        "s3": S3Config,
        "gcs": GcsConfig,
    }
    return configs[kind]()


class StagedTableHandler(DbTypeHandler[StagedTable]):
    """Commits files that the asset staged."""

    def __init__(self, warehouse: str, tables: Mapping[str, Table]) -> None:
        """Handle these tables below `warehouse`."""
        self._warehouse = warehouse
        self._tables = tables

    @property
    def supported_types(self) -> Sequence[type[object]]:
        """`StagedTable`."""
        return [StagedTable]

    def handle_output(
        self,
        context: OutputContext,
        table_slice: TableSlice,
        obj: StagedTable,
        connection: TableConnection,  # noqa: ARG002 (Dagster's signature)
    ) -> Mapping[str, Any]:
        """Replace the run's days, and the extra days that the asset named, by the staged files.

        Raises:
            TableError: it was staged for another table or lacks days of this run.
        """
        try:
            _require_own(obj, declared_table(table_slice, self._tables), self._warehouse)
            _require_all_days(obj, written_days(table_slice))
        except TableError:
            obj.discard()
            raise
        return _commit_and_report(context, obj)

    def load_input(
        self,
        context: InputContext,  # noqa: ARG002 (Dagster's signature)
        table_slice: TableSlice,
        connection: TableConnection,  # noqa: ARG002 (Dagster's signature)
    ) -> StagedTable:
        """Staged files are never read back.

        Raises:
            TableError: always.
        """
        raise TableError(f"table {table_slice.table}: annotate the input as a Spark DataFrame")


class DataFrameHandler(DbTypeHandler[DataFrame]):
    """Writes and loads Spark DataFrames."""

    def __init__(
        self, warehouse: str, tables: Mapping[str, Table], session: Callable[[], SparkSession]
    ) -> None:
        """Handle these tables below `warehouse` with the session, asked for on first use."""
        self._warehouse = warehouse
        self._tables = tables
        self._session = session

    @property
    def supported_types(self) -> Sequence[type[object]]:
        """Spark's DataFrame, Connect or not."""
        return [DataFrame]

    def handle_output(
        self,
        context: OutputContext,
        table_slice: TableSlice,
        obj: DataFrame,
        connection: TableConnection,  # noqa: ARG002 (Dagster's signature)
    ) -> Mapping[str, Any]:
        """Stage the frame, then replace the run's days (or the whole table) in one commit."""
        days = written_days(table_slice)
        staged = stage_frame(obj, self._warehouse, declared_table(table_slice, self._tables), days)
        return _commit_and_report(context, staged)

    def load_input(
        self,
        context: InputContext,
        table_slice: TableSlice,
        connection: TableConnection,  # noqa: ARG002 (Dagster's signature)
    ) -> DataFrame:
        """The rows of the input's partitions, with the columns that it asks for.

        Partitions that were never written have no rows.

        Raises:
            MissingTableError: the table was never written, and the input's metadata does not say
                that it may be absent.
            SchemaMismatchError: the input asks for columns that are not there.
            TableError: the engine cannot read the table.
        """
        table = declared_table(table_slice, self._tables)
        location = table_location(self._warehouse, table)
        stored = Warehouse(self._warehouse, self._session)
        if not stored.holds(table):
            _require_optional(context, table, location)
            context.log.warning("table %s at %s was never written: no rows", table.name, location)
        is_whole = (context.definition_metadata or {}).get(READ_AS_A_WHOLE)
        window = None if is_whole else read_window(table_slice)
        frame = stored.frame(table, *(window or ()))
        return _selected(frame, table_slice.columns, table, location)


def _commit_and_report(context: OutputContext, staged: StagedTable) -> Mapping[str, Any]:
    committed = commit(staged, run_id=context.run_id)
    context.log.info("%s", written_line(staged, committed))
    partitions = context.asset_partition_keys if context.has_asset_partitions else []
    step, asset = context.step_context, context.asset_key
    # Of the asset: Dagster records what is returned of the output twice.
    step.add_asset_metadata(output_metadata(staged, committed, of_range=len(partitions) > 1), asset)
    for partition_key, metadata in partition_metadata(staged, committed, partitions).items():
        step.add_asset_metadata(metadata, asset, partition_key)
    return {}


def declared_table(table_slice: TableSlice, tables: Mapping[str, Table]) -> Table:
    """The declaration of the asset's table.

    Raises:
        TableError: the asset's key is not that of a table, or its partition column another one.
    """
    table = tables.get(table_slice.table)
    if table is None or table_slice.schema != table.schema:
        schemas = sorted({declared.schema for declared in tables.values()})
        raise TableError(
            f"asset {table_slice.schema}/{table_slice.table}: no such table is declared. Name the "
            f"asset {' or '.join(schemas)}/<table>, and declare it in the "
            "tables.py of its group."
        )
    for dimension in table_slice.partition_dimensions or ():
        if dimension.partition_expr != table.partition_by:
            raise TableError(
                f"asset {table.asset}: its metadata partition_expr is "
                f"{dimension.partition_expr!r}, the table is partitioned by {table.partition_by!r}"
            )
    return table


def read_window(table_slice: TableSlice) -> Window | None:
    """The half-open window of days of the partitions; None: the asset has no partitions.

    Raises:
        TableError: the partitions are no whole days.
    """
    dimensions = table_slice.partition_dimensions or ()
    if not dimensions:
        return None
    partitions = dimensions[0].partitions
    if not partitions:
        return date.max, date.max
    if len(dimensions) > 1 or not isinstance(partitions, TimeWindow):
        raise TableError(f"table {table_slice.table}: only time partitions are supported")
    start, end = partitions.start, partitions.end
    if any(moment.time() != moment.time().min for moment in (start, end)):
        raise TableError(f"table {table_slice.table}: {start} to {end} are no whole days")
    return start.date(), end.date()


def written_days(table_slice: TableSlice) -> Days | None:
    """The days that a run replaces; None: all rows of the table."""
    window = read_window(table_slice)
    return None if window is None else days_between(*window)


def _require_own(staged: StagedTable, table: Table, warehouse: str) -> None:
    expected = table_location(warehouse, table)
    if (staged.table.name, staged.location) != (table.name, expected):
        raise TableError(
            f"asset {table.asset} returned files staged for {staged.table.name} at "
            f"{staged.location}; expected {table.name} at {expected}"
        )


def _require_all_days(staged: StagedTable, run: Days | None) -> None:
    if run is None:
        return
    if staged.replaced is None or not run <= staged.replaced | staged.left:
        found = "all rows" if staged.replaced is None else describe_days(staged.replaced)
        raise TableError(
            f"table {staged.table.name}: staged to replace {found}, but the run is for "
            f"{describe_days(run)}. Stage with the days of the run (and any extra days)."
        )


def _require_optional(context: InputContext, table: Table, location: str) -> None:
    if not (context.definition_metadata or {}).get(MAY_BE_ABSENT):
        raise MissingTableError(
            f"table {table.name} at {location} was never written. Materialize the asset "
            f"{table.asset} first, or set VIDEO_ASSETS_WAREHOUSE to where it is."
        )


def _selected(
    frame: DataFrame, columns: Sequence[str] | None, table: Table, location: str
) -> DataFrame:
    if columns is None:
        return frame
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise SchemaMismatchError(
            f"table {table.name} at {location} has no column {', '.join(missing)}; it has "
            f"{', '.join(frame.columns)}. Correct the input's metadata `columns`."
        )
    return frame.select(*columns)
