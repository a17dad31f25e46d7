"""Settings of the experiments: which dimensions are any, and how viewers were to be shared out."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import NoDecode

from video_assets.settings.texts import JSON_OBJECT

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Experiment(BaseModel):
    """The plan of an experiment.

    Attributes:
        control: the variant that the others are compared with.
        split: planned share of the viewers of each variant, in any unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    control: str
    split: dict[str, Weight]

    @model_validator(mode="after")
    def _control_is_one_of_several(self) -> Self:
        if self.control not in self.split:
            raise ValueError(f"names no share of the control {self.control!r} in `split`")
        if len(self.split) == 1:
            raise ValueError("compares the control with nothing: name two variants in `split`")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Planned share of each variant, together 1."""
        whole = sum(self.split.values())
        return {variant: weight / whole for variant, weight in self.split.items()}


class ExperimentSettings(BaseModel):
    """The experiments, validated.

    Raises:
        pydantic.ValidationError: an experiment lacks its control, a second variant or a share.
    """

    model_config = ConfigDict(frozen=True)

    experiments: Annotated[dict[str, Experiment], NoDecode, JSON_OBJECT] = Field(
        default_factory=dict,
        description="dimensions that are experiments, JSON of their names to the control and the "
        'planned split of viewers: `{"experiment": {"control": "old", "split": {"old": 1, "new": '
        "1}}}`; `experiment_results` compares their variants",
    )
