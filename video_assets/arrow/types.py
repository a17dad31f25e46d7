"""Names for Arrow and numpy arrays in signatures, and Arrow's functions on them."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute

# `pyarrow-stubs` refuses many calls that pyarrow documents, so its classes check nothing here.
ArrowArray: TypeAlias = Any
TextArray: TypeAlias = Any
compute: Any = pyarrow.compute

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Characters: TypeAlias = npt.NDArray[np.uint8]
