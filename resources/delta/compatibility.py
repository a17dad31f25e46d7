"""What other tools may have set on a table that our commit does not honour: it is refused."""

from collections.abc import Iterator, Mapping, Sequence

from deltalake import DeltaTable

from resources.delta.errors import UnsupportedTableError

# Protocol versions below 7 stand for a fixed list of features, of which these are harmless or
# looked at one by one below; from 7 on a table names its features.
HONOURED = frozenset(
    {
        "appendOnly",
        "changeDataFeed",
        "checkConstraints",
        "columnMapping",
        "deletionVectors",
        "invariants",
        "timestampNtz",
        "v2Checkpoint",
    }
)
_CONSTRAINT = "delta.constraints."
_BASE = "domainMetadata"
_ALTER = "ALTER TABLE delta.`{location}`"


def require_writable(existing: DeltaTable, location: str) -> None:
    """Refuse a table whose properties or features our commit would violate.

    Args:
        existing: the table.
        location: its folder, for the message.

    Raises:
        UnsupportedTableError: names each property or feature, and what to do.
    """
    metadata, protocol = existing.metadata(), existing.protocol()
    obstacles = [
        *_obstacles(metadata.configuration, location),
        *_foreign_features(protocol.writer_features or (), location),
    ]
    if obstacles:
        raise UnsupportedTableError(
            f"table {metadata.name} at {location} cannot be written, the old rows stay: "
            f"{'; '.join(obstacles)}. Or move the folder away and materialize the table again."
        )


def maps_columns(table: DeltaTable) -> bool:
    """Whether columns have other names in the table's files."""
    return _maps_columns(table.metadata().configuration)


def _maps_columns(properties: Mapping[str, str]) -> bool:
    return properties.get("delta.columnMapping.mode", "none").lower() != "none"


def _obstacles(properties: Mapping[str, str], location: str) -> Iterator[str]:
    alter = _ALTER.format(location=location)
    if properties.get("delta.appendOnly", "").lower() == "true":
        yield (
            "its property delta.appendOnly forbids to replace rows, which every run does: "
            f"{alter} UNSET TBLPROPERTIES ('delta.appendOnly')"
        )
    if _maps_columns(properties):
        yield (
            "its property delta.columnMapping.mode gives columns other names in the files, which "
            "no command takes back within a day"
        )
    for name in sorted(properties):
        if name.startswith(_CONSTRAINT):
            constraint = name.removeprefix(_CONSTRAINT)
            yield (
                f"its CHECK constraint {constraint} ({properties[name]}) cannot be verified by "
                f"this writer: {alter} DROP CONSTRAINT {constraint}"
            )


def _foreign_features(features: Sequence[str], location: str) -> Iterator[str]:
    alter = _ALTER.format(location=location)
    # Others need it, so that it can be dropped after them alone.
    for feature in sorted(set(features) - HONOURED, key=lambda name: (name == _BASE, name)):
        yield f"its writer feature {feature} is not supported: {alter} DROP FEATURE {feature}"
