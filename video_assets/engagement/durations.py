"""Which lengths of videos, as the metadata has them, can be right."""

from math import inf
from typing import TYPE_CHECKING, Any, overload

from video_assets.arrow.columns import Bools, Floats

if TYPE_CHECKING:
    from pyspark.sql import Column


@overload
def is_usable_duration(seconds: Floats) -> Bools: ...
@overload
def is_usable_duration(seconds: "Column") -> "Column": ...
def is_usable_duration(seconds: Any) -> Any:
    """Whether a duration is a finite number above 0; others are estimated (rule 10).

    Of a column it is null where the duration is.
    """
    return (seconds > 0) & (seconds < inf)
