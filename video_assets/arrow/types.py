"""Names for Arrow and numpy arrays in signatures, Arrow's functions, and families of types."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.types as pat

# `pyarrow-stubs` refuses many calls that pyarrow documents, so its classes check nothing here.
ArrowArray: TypeAlias = Any
TextArray: TypeAlias = Any
ArrowType: TypeAlias = Any
compute: Any = pyarrow.compute

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Characters: TypeAlias = npt.NDArray[np.uint8]


def is_text(type_: pa.DataType) -> bool:
    """Text, or bytes that hold text."""
    return (
        pat.is_string(type_)
        or pat.is_large_string(type_)
        or pat.is_string_view(type_)
        or pat.is_binary(type_)
        or pat.is_large_binary(type_)
        or pat.is_binary_view(type_)
    )


def is_id(type_: pa.DataType) -> bool:
    """What tells things apart by its digits: whole numbers, and UUIDs."""
    is_whole = pat.is_integer(type_) or (pat.is_decimal(type_) and type_.scale == 0)
    return bool(is_whole or type_ == pa.uuid())


def is_number(type_: pa.DataType) -> bool:
    """Integer, floating point or decimal."""
    return bool(pat.is_integer(type_) or pat.is_floating(type_) or pat.is_decimal(type_))


def plain(type_: pa.DataType) -> pa.DataType:
    """The type of the values, where they are in a dictionary."""
    return type_.value_type if pat.is_dictionary(type_) else type_
