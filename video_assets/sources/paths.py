"""Where in a source row a value lies: the grammar of the names that settings and presets map.

| text | value |
|---|---|
| `position` | the column or key of that name |
| `context.user.id` | a step into a struct, map, key-value list, JSON, or text that is JSON |
| `'https://example.org/time'.value` | a name in single quotes may hold dots and anything else |
| `contexts.0.id` | the first element of a list; without a number the first one that has the key |
| `course.id + "/" + event.id` | values and texts, joined; missing where one is missing |
| `="web"` | the same text in each row |

Several names for one of our columns are alternatives: the first that a row has is its value.
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache

_STEP = r"'(?:[^']|'')*'|[^.'\"+\s]+(?:[^.'\"+]*[^.'\"+\s])?"
_PATH = re.compile(rf"\s*({_STEP})((?:\.(?:{_STEP}))*)\s*")
_LITERAL = re.compile(r'\s*"((?:[^"]|"")*)"\s*')
_ONE_STEP = re.compile(_STEP)


@dataclass(frozen=True)
class Path:
    """The steps from a row to a value.

    Attributes:
        steps: names of columns, keys or fields, or numbers of list elements.
        plain: the text where it may also be the name of one column or key that holds dots.
    """

    steps: tuple[str, ...]
    plain: str | None = None

    @property
    def root(self) -> str:
        """The column or top-level key where it starts."""
        return self.steps[0]

    def column_of(self, existing: Container[str]) -> str | None:
        """The column that holds the value, or in which it lies; None where it is not there."""
        names = (name for name in (self.plain, self.root) if name is not None and name in existing)
        return next(names, None)


@dataclass(frozen=True)
class Literal:
    """A text that is the same in each row."""

    text: str


@dataclass(frozen=True)
class SourceName:
    """What a settings text names: one value of a row.

    Attributes:
        text: as the settings have it.
        parts: joined to the value; a single path stays as it is.
    """

    text: str
    parts: tuple[Path | Literal, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The values of the row that it needs."""
        return tuple(part for part in self.parts if isinstance(part, Path))


@lru_cache(maxsize=1024)
def parse_source_name(text: str) -> SourceName:
    """Read a name as the settings have it; what follows no row of the table is a plain name."""
    if text.startswith("="):
        return SourceName(text, (Literal(_unquoted(text[1:])),))
    return SourceName(text, _parts(text) or (Path((text,)),))


def _parts(text: str) -> tuple[Path | Literal, ...]:
    parts: list[Path | Literal] = []
    position = 0
    while literal_or_path := _LITERAL.match(text, position) or _PATH.match(text, position):
        found = literal_or_path[0].strip()
        is_literal = found.startswith('"')
        parts.append(Literal(_unquoted(found)) if is_literal else _path(found, text))
        position = literal_or_path.end()
        if position == len(text):
            return tuple(parts)
        if text[position] != "+":
            break
        position += 1
    return ()


def _unquoted(text: str) -> str:
    quoted = _LITERAL.fullmatch(text)
    return quoted[1].replace('""', '"') if quoted else text


def _path(found: str, whole: str) -> Path:
    steps = tuple(
        step[1:-1].replace("''", "'") if step.startswith("'") else step
        for step in _ONE_STEP.findall(found)
    )
    may_be_plain = found == whole.strip() and len(steps) > 1 and "'" not in found
    return Path(steps, whole if may_be_plain else None)
