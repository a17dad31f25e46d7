"""What can go wrong with a table; every message names the table and the remedy."""


class TableError(Exception):
    """Base of all errors about a Delta table or the folder that holds it."""


class StagingError(TableError):
    """The engine failed while it wrote a table's files; nothing was committed."""


class RefusedRowsError(StagingError):
    """Rows that the declared table must not hold; nothing was committed."""


class SchemaMismatchError(StagingError):
    """Columns, types or partitioning differ from the declared table."""


class CommitConflictError(TableError):
    """Other writers kept changing the same days until the attempts were used up."""


class MissingTableError(TableError):
    """The table was never written."""


class UnsupportedTableError(TableError):
    """Another tool set a property or feature that our commit would violate; nothing was written."""
