"""The table `alerts`: every alert, and who was told; it is also the outbox."""

import pyarrow as pa

from resources.delta.table import TIMESTAMP, Column, Table

TEXTS = pa.list_(pa.field("element", pa.string(), nullable=False))


def alerts_table(schema: str) -> Table:
    """The declaration of the table, in the folder of the other tables."""
    return Table(
        name="alerts",
        schema=schema,
        grain="one alert: a problem that began or ended",
        key=("alertId",),
        columns=(
            Column(
                "alertId", pa.string(), "the same however often its event is read", nullable=False
            ),
            Column("raisedAt", TIMESTAMP, "when it happened", "UTC", nullable=False),
            Column("kind", pa.string(), "check, freshness or run", nullable=False),
            Column("severity", pa.string(), "ERROR or WARN", nullable=False),
            Column("state", pa.string(), "failed or recovered", nullable=False),
            Column("subject", pa.string(), "what it is about", nullable=False),
            Column("asset", pa.string(), "asset key; null for a run"),
            Column("checkName", pa.string(), "name of the check; null for what is none"),
            Column("partitions", TEXTS, "partitions concerned; one empty text: no partitions"),
            Column("problem", pa.string(), "what is wrong, in a sentence", nullable=False),
            Column("details", TEXTS, "numbers, links and what to do, a line each"),
            Column("runId", pa.string(), "run that told it; empty when none did", nullable=False),
            Column("eventId", pa.int64(), "its place in Dagster's event log", nullable=False),
            Column(
                "status",
                pa.string(),
                "delivered; pending: will be sent; logged: no channel is set for it",
                nullable=False,
            ),
            Column("deliveredTo", TEXTS, "channels that took it, without their secrets"),
            Column("deliveredAt", TIMESTAMP, "when the last channel took it", "UTC"),
            Column("attempts", pa.int64(), "how often it was tried to send it", nullable=False),
            Column("nextAttemptAt", TIMESTAMP, "not sent again before", "UTC"),
            Column("claimedUntil", TIMESTAMP, "empty since alerts are sent without leases", "UTC"),
            Column("lastError", pa.string(), "why the last attempt failed, without secrets"),
        ),
    )
