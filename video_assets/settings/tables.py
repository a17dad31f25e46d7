"""Settings of the tables: where they lie, when they begin, how they are renewed."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from resources.file_access import Access


class TableSettings(BaseModel):
    """Where the tables lie and which of their rows a run computes.

    Raises:
        pydantic.ValidationError: a value is not allowed.
    """

    model_config = ConfigDict(frozen=True)

    warehouse: str = Field(
        "data/warehouse",
        min_length=1,
        description="root path or URI (`s3://`, `abfss://`, `gs://`) of the Delta tables",
    )
    start_date: date = Field(
        date(2025, 1, 1),
        description="first daily partition; with the generated sample, its first day",
    )
    file_access: Access = Field(
        "owner",
        description="who may read the files that are made, of tables, reports and the Dagster "
        "home: `owner`, `group` or `everyone`",
    )
    engagement_refresh: Literal["changed", "all"] = Field(
        "changed",
        description="engagement rows to compute: those that changes of the sessions or of the "
        "video metadata concern, or `all`",
    )
