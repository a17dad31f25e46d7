"""Values of JSON texts by path, read by DuckDB: each row by itself, and without Python's lock.

A path is first looked up as it stands. Where a row has nothing there, a value on the way may be
text that is JSON itself, or a list: of keys and values, or of objects of which one has the key.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from video_assets.arrow.types import ArrowArray, TextArray, compute
from video_assets.sources.paths import Path

# How BigQuery exports write the value of a key: one of these is filled.
TYPED_VALUES = ("string_value", "int_value", "float_value", "double_value", "bool_value")
_AS_TEXT, _KIND = "json_extract_string", "json_type"
# Texts that a JSON value of another kind than text and whole numbers may have, too.
_MAY_BE_NO_ID = r"^(true|false|[\[{].*|-?\d+([.eE].*|\d{18,}))$"
_KINDS_OF_IDS = pa.array(["VARCHAR", "BIGINT", "UBIGINT", "HUGEINT"])
NUMBERS = frozenset({"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"})
_local = threading.local()


def values_of_json(texts: TextArray, paths: Sequence[Path]) -> tuple[ArrowArray, list[TextArray]]:
    """Look up the values at some paths, as text.

    Args:
        texts: one JSON value each.
        paths: where the values lie.

    Returns:
        Which texts are JSON, and for each path the value in each text: numbers as digits, objects
        and lists as JSON, null where there is nothing.
    """
    return _values(texts, paths, _AS_TEXT)


def kinds_of_json(texts: TextArray, path: Path) -> TextArray:
    """What kind of value lies at a path, in DuckDB's words: `VARCHAR`, `BIGINT`, `OBJECT`."""
    return _values(texts, [path], _KIND)[1][0]


def without_other_kinds(ids: TextArray, texts: TextArray, path: Path) -> TextArray:
    """Ids that are text or whole numbers; null where JSON has anything else there.

    Args:
        ids: what `values_of_json` found.
        texts: where it looked.
        path: at which path.
    """
    suspects = compute.fill_null(compute.match_substring_regex(ids, _MAY_BE_NO_ID), False)  # noqa: FBT003
    if not suspects.true_count:
        return ids
    _, (kinds,) = _values(texts.filter(suspects), [path], _KIND)
    found = ids.filter(suspects)
    good = compute.or_kleene(
        compute.is_in(kinds, _KINDS_OF_IDS),
        compute.and_(
            compute.equal(kinds, "DOUBLE"), compute.match_substring_regex(found, r"^-?\d+$")
        ),
    )
    kept = compute.if_else(good, found, pa.scalar(None, pa.string()))
    return compute.replace_with_mask(ids, suspects, kept)


@dataclass
class _Lookup:
    """SQL for values at paths: each JSON text is parsed once for all values that are in it.

    Attributes:
        leaf: what to tell of a value: its text or its kind.
        pointers: where to look in a row, and the place of the answer.
        inner: the same for the objects in it, by the place of the text that they may be.
    """

    leaf: str
    pointers: dict[str, int] = field(default_factory=dict)
    inner: dict[int, dict[str, int]] = field(default_factory=dict)

    def value(self, path: Path) -> str:
        """SQL for the value at a path."""
        steps = path.steps
        names = [(path.plain,)] if path.plain else []
        direct = [f"leaves[{_place(name, self.pointers)}]" for name in (*names, steps)]
        splits = range(len(steps) - 1, 0, -1)
        return _first([*direct, *(self._inside(steps[:at], steps[at:]) for at in splits)])

    def _inside(self, outer: Sequence[str], steps: Sequence[str]) -> str:
        """SQL for what lies at these steps of a value that is JSON text, or a list."""
        place = _place(outer, self.pointers)
        in_object = _place(steps, self.inner.setdefault(place, {}))
        text = f"texts_found[{place}]"
        return _first(
            [
                f"inner_{place}[{in_object}]",
                f"CASE {text}[1] WHEN '{{' THEN try({self._deeper(text, steps)}) END",
                f"CASE {text}[1] WHEN '[' THEN try({self._of_list(text, steps)}) END",
            ]
        )

    def _deeper(self, text: str, steps: Sequence[str]) -> str:
        """SQL for text that is JSON within text that is JSON."""
        cuts = range(len(steps) - 1, 0, -1)
        outer = (f"{_AS_TEXT}({text}, {_text(_pointer(steps[:at]))})" for at in cuts)
        return _first([self._at(o, steps[at:]) for o, at in zip(outer, cuts, strict=True)])

    def _of_list(self, text: str, steps: Sequence[str]) -> str:
        """SQL for an element by number, the value of a key, or what the first object has."""
        key, rest = steps[0], steps[1:]
        place = f"list_position({_AS_TEXT}({text}, '$[*].key'), {_text(key)})"
        pair = f"list_extract(json_extract({text}, '$[*].value'), {place})"
        typed = [] if rest else [self._at(pair, (name,)) for name in TYPED_VALUES]
        of_pair = _first([*typed, self._at(pair, rest)])
        if '"' in key:  # DuckDB's wildcard paths cannot quote it.
            return of_pair
        having_it = f"list_extract(json_extract({text}, {_text(f'$[*].{_quoted(key)}')}), 1)"
        return _first([self._at(text, steps), of_pair, self._at(having_it, rest)])

    def _at(self, json: str, steps: Sequence[str]) -> str:
        return f"{self.leaf}({json}, {_text(_pointer(steps) or '$')})"

    def query(self, values: Sequence[str]) -> str:
        """SQL for such values of the relation `texts`."""
        shown = "".join(f", {value}" for value in values)
        leaves = "texts_found" if self.leaf == _AS_TEXT else f"try({self._all('text')})"
        inner = "".join(
            f", CASE WHEN texts_found[{place}][1] = '{{' THEN "
            f"try({self.leaf}(texts_found[{place}], {_listed(pointers)})) END AS inner_{place}"
            for place, pointers in self.inner.items()
        )
        found = f"SELECT text, try({_AS_TEXT}(text, {_listed(self.pointers)})) AS texts_found"
        return (
            f"SELECT texts_found IS NOT NULL{shown} "  # noqa: S608 (as above)
            f"FROM (SELECT *, {leaves} AS leaves{inner} FROM ({found} FROM texts))"
        )

    def _all(self, text: str) -> str:
        return f"{self.leaf}({text}, {_listed(self.pointers)})"


def _values(
    texts: TextArray, paths: Sequence[Path], leaf: str
) -> tuple[ArrowArray, list[TextArray]]:
    lookup = _Lookup(leaf)
    values = [lookup.value(path) for path in paths]
    is_json, *found = _columns(texts, lookup.query(values))
    return is_json, [column.cast(pa.string()) for column in found]


def _place(steps: Sequence[str], places: dict[str, int]) -> int:
    return places.setdefault(_pointer(steps), len(places) + 1)


def _listed(pointers: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, pointers))}]"


def _columns(texts: TextArray, query: str) -> list[ArrowArray]:
    connection = getattr(_local, "connection", None)
    if connection is None:
        # Tasks are threads already, one for each core.
        connection = _local.connection = duckdb.connect(config={"threads": 1})
    connection.register("texts", pa.table({"text": texts}))
    try:
        rows = connection.sql(query).to_arrow_table()
    finally:
        connection.unregister("texts")
    return [
        pa.concat_arrays(c.chunks) if c.num_chunks else pa.array([], c.type) for c in rows.columns
    ]


def _first(values: Sequence[str]) -> str:
    if not values:
        return "NULL"
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _pointer(steps: Sequence[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _quoted(key: str) -> str:
    return f'"{key}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
