"""Settings of the engine that computes."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from video_assets.settings.texts import EMPTY_IS_UNSET, NameMapping


class EngineSettings(BaseModel):
    """Which engine computes, and where it runs.

    Raises:
        pydantic.ValidationError: a value is not allowed, or the engine has no remote.
    """

    model_config = ConfigDict(frozen=True)

    engine: Literal["sail", "spark"] = Field(
        "sail", description="`sail`: embedded, no Java; `spark`: Apache Spark 4"
    )
    spark_remote: Annotated[str | None, EMPTY_IS_UNSET] = Field(
        None,
        pattern=r"^(sc://.+|local(\[.+\])?)$",
        description="Spark Connect URL (`sc://host:15002`) or `local[*]`, for the engine `spark`",
    )
    spark_config: NameMapping = Field(
        default_factory=dict,
        description='Spark session settings, JSON: `{"spark.sql.shuffle.partitions": "64"}`',
    )

    worker_processes: Annotated[int | None, EMPTY_IS_UNSET] = Field(
        None,
        ge=0,
        description="Processes that compute a million rows and more for the engine `sail`, beside "
        "the one that runs; 0: its threads do. Unset: as many as there are cores, from four on",
    )

    @model_validator(mode="after")
    def _spark_remote_needs_the_engine(self) -> Self:
        if self.spark_remote and self.engine != "spark":
            raise ValueError("spark_remote is set, but engine is `sail`: set engine to `spark`")
        return self
