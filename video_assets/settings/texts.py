"""How values are written in the environment, where everything is text."""

import json
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def _parsed_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"must be a JSON object of strings; {error}") from None


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


NameMapping = Annotated[dict[str, str], NoDecode, BeforeValidator(_parsed_json)]

# Of an optional setting; an empty one is unset, also where the default is something else.
EMPTY_IS_UNSET = BeforeValidator(_none_if_empty)
