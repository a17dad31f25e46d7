"""How values are written in the environment, where everything is text."""

import json
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

from video_assets.csv_dialect import CsvDialect


def _parsed_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"must be a JSON object of strings; {error}") from None


def _parsed_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "[]")
    except json.JSONDecodeError as error:
        raise ValueError(f"must be a JSON list of strings; {error}") from None


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


JSON_OBJECT = BeforeValidator(_parsed_json)
NameMapping = Annotated[dict[str, str], NoDecode, JSON_OBJECT]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parsed_list)]

Dialect = Annotated[CsvDialect, NoDecode, JSON_OBJECT]
DIALECT_EXAMPLE = (
    'JSON: `{"delimiter": "|", "columns": ["names without a header"], '
    r'"nulls": ["\\N", "NULL"], "backslash_escapes": true}`'
)

# Of an optional setting; an empty one is unset, also where the default is something else.
EMPTY_IS_UNSET = BeforeValidator(_none_if_empty)
