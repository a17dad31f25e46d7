"""Settings of what keeps tables and history small, and forgets people, for years."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class MaintenanceSettings(BaseModel):
    """How long what nobody needs any more is left.

    Raises:
        pydantic.ValidationError: a value is not allowed.
    """

    model_config = ConfigDict(frozen=True)

    vacuum_retention_hours: int = Field(
        168,
        ge=24,
        description="how long `maintenance` leaves files that the newest version of a table does "
        "not need, hours: longer than the longest run",
    )
    run_retention_days: int = Field(
        90, ge=1, description="how long Dagster's runs and their events are kept, days"
    )
    retention_days: int | None = Field(
        None,
        ge=2,
        description="how many days of `raw_events` and `rejected_events` stay, before today; "
        "`maintenance` drops older ones, and what was computed from them stays. Unset: all",
    )
    erasure_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="secret with which `erase_users` hashes the ids of those it erased; every run "
        "needs it from then on",
    )
    user_id_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="secret with which user ids become keyed hashes while events are read, so that "
        "no table holds one; texts of refused rows are withheld then. Another key makes other "
        "users",
    )
