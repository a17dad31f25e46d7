"""Values of JSON texts by path, read by DuckDB: each row by itself, and without Python's lock.

A path is first looked up as it stands. Where a row has nothing there, the whole path may be the
name of one key, or a value on the way text that is JSON itself, or a list: of keys and values, or
of objects of which one has the key.
"""

import atexit
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import orjson
import pyarrow as pa

from video_assets.arrow.types import ArrowArray, TextArray, compute
from video_assets.sources.paths import Path

# How BigQuery exports write the value of a key: one of these is filled.
TYPED_VALUES = ("string_value", "int_value", "float_value", "double_value", "bool_value")
_AS_TEXT, _KIND = "json_extract_string", "json_type"
# Texts that a JSON value of another kind than text and whole numbers may have, too.
_MAY_BE_NO_ID = r"^(true|false|[\[{].*|-?\d+([.eE].*|\d{18,}))$"
_KINDS_OF_IDS = pa.array(["VARCHAR", "BIGINT", "UBIGINT", "HUGEINT"])
# DuckDB reads these words as numbers, though they are no JSON.
_WORDS_OF_NUMBERS = ("NaN", "Inf")
NUMBERS = frozenset({"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"})
_ELEMENTS = "CASE text[1] WHEN '[' THEN try(CAST(json_extract(text, '$[*]') AS VARCHAR[])) END"
# Looking into them costs less than finding out whether that is needed.
_FEW_ROWS = 1000
_QUERIES_KEPT = 64
_NO_TEXTS = pa.table({"text": pa.array([], pa.string())})


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


def lists_of_json(texts: TextArray) -> ArrowArray:
    """The elements of texts that are JSON lists, as JSON texts; null for other texts."""
    (lists,) = _columns(texts, f"SELECT {_ELEMENTS} FROM texts")  # noqa: S608 (a constant)
    return lists.cast(pa.list_(pa.string()))


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
        """SQL for the value at a path, in objects and in text that is an object."""
        steps = path.steps
        names = [steps, (path.plain,)] if path.plain else [steps]
        direct = [f"leaves[{_place(name, self.pointers)}]" for name in names]
        return _first([*direct, *(self._in_text(o, i) for o, i in _splits(steps))])

    def _in_text(self, outer: Sequence[str], steps: Sequence[str]) -> str:
        place = _place(outer, self.pointers)
        return f"inner_{place}[{_place(steps, self.inner.setdefault(place, {}))}]"

    def outer_texts(self, path: Path) -> list[str]:
        """SQL for what lies on the way to a path's value."""
        return [f"texts_found[{_place(o, self.pointers)}]" for o, _ in _splits(path.steps)]

    def query(self, values: Sequence[str]) -> str:
        """SQL for such values of the relation `texts`."""
        shown = "".join(f", {value}" for value in values)
        every = _listed(self.pointers)
        leaves = "texts_found" if self.leaf == _AS_TEXT else f"try({self.leaf}(text, {every}))"
        inner = "".join(
            f", CASE WHEN texts_found[{place}][1] = '{{' THEN "
            f"try({self.leaf}(texts_found[{place}], {_listed(pointers)})) END AS inner_{place}"
            for place, pointers in self.inner.items()
        )
        found = f"SELECT text, try({_AS_TEXT}(text, {every})) AS texts_found"
        return (
            f"SELECT texts_found IS NOT NULL{shown} "  # noqa: S608 (as above)
            f"FROM (SELECT *, {leaves} AS leaves{inner} FROM ({found} FROM texts))"
        )


def _values(
    texts: TextArray, paths: Sequence[Path], leaf: str
) -> tuple[ArrowArray, list[TextArray]]:
    is_json, found = _direct_values(texts, paths, leaf)
    rows = _with_more_to_look_up(texts, paths, found)
    if rows is None:
        return is_json, found
    deep = [place for place, value in enumerate(found) if value.null_count]
    is_all = rows.true_count == len(texts)
    some = texts if is_all else texts.filter(rows)
    for place, value in zip(deep, _deep_values(some, [paths[n] for n in deep], leaf), strict=True):
        found[place] = value if is_all else compute.replace_with_mask(found[place], rows, value)
    return is_json, found


def _direct_values(
    texts: TextArray, paths: Sequence[Path], leaf: str
) -> tuple[ArrowArray, list[TextArray]]:
    """What lies at the paths in objects alone."""
    pointers: dict[str, int] = {}
    shown = "".join(f", found[{_place(path.steps, pointers)}]" for path in paths)
    words = " OR ".join(f"contains(text, {_text(word)})" for word in _WORDS_OF_NUMBERS)
    query = (
        f"SELECT found IS NOT NULL, has_word{shown} FROM "  # noqa: S608 (all of it is quoted)
        f"(SELECT try({leaf}(text, {_listed(pointers)})) AS found, {words} AS has_word "
        "FROM texts)"
    )
    is_json, has_word, *answers = _columns(texts, query)
    is_json = _without_words_as_numbers(is_json, has_word, texts)
    return is_json, [answer.cast(pa.string()) for answer in answers]


def _without_words_as_numbers(
    is_json: ArrowArray, has_word: ArrowArray, texts: TextArray
) -> ArrowArray:
    suspects = compute.and_(is_json, has_word)
    if not suspects.true_count:
        return is_json
    good = pa.array(map(_is_json, texts.filter(suspects).to_pylist()), pa.bool_())
    return compute.replace_with_mask(is_json, suspects, good)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _with_more_to_look_up(
    texts: TextArray, paths: Sequence[Path], found: Sequence[TextArray]
) -> ArrowArray | None:
    """The rows in which a value that was not found may lie elsewhere.

    In a list, in text that is JSON, or at one key that is named as the whole path.
    """
    missing = [
        (path, value.is_null())
        for path, value in zip(paths, found, strict=True)
        if value.null_count and (len(path.steps) > 1)
    ]
    rows = compute.fill_null(compute.starts_with(texts, "["), False)  # noqa: FBT003 (Arrow's signature)
    if missing:
        anywhere = reduce(compute.or_, [is_missing for _, is_missing in missing])
        if anywhere.true_count > _FEW_ROWS:
            ways = {_pointer(outer): 0 for path, _ in missing for outer, _ in _splits(path.steps)}
            leads_on = f"list_has_any({_KIND}(text, {_listed(ways)}), ['VARCHAR', 'ARRAY'])"
            names = {_pointer((path.plain,)): 0 for path, _ in missing if path.plain}
            is_named = f"list_unique({_KIND}(text, {_listed(names)})) > 0"
            query = f"SELECT try({leads_on} OR {is_named}) FROM texts"  # noqa: S608 (as above)
            (lies_in,) = _columns(texts.filter(anywhere), query)
            lies_in = compute.fill_null(lies_in, False)  # noqa: FBT003 (as above)
            anywhere = compute.replace_with_mask(anywhere, anywhere, lies_in)
        rows = compute.or_(rows, anywhere)
    return rows if rows.true_count else None


def _deep_values(texts: TextArray, paths: Sequence[Path], leaf: str) -> list[TextArray]:
    """What lies at the paths, also in lists, and in text that is JSON."""
    lookup = _Lookup(leaf)
    values = [lookup.value(path) for path in paths]
    outer = {path: lookup.outer_texts(path) for path in paths}
    on_the_way = list(dict.fromkeys(text for of_path in outer.values() for text in of_path))
    asked = [*values, *(f"{text}[1]" for text in on_the_way)]
    _, *answers = _columns(texts, lookup.query(asked))
    begins = dict(zip(on_the_way, answers[len(paths) :], strict=True))
    found = [
        _with_rare_values(value, texts, path, [begins[text] for text in outer[path]], leaf)
        for path, value in zip(paths, answers[: len(paths)], strict=True)
    ]
    return [column.cast(pa.string()) for column in found]


def _with_rare_values(
    value: TextArray, texts: TextArray, path: Path, begins: Sequence[TextArray], leaf: str
) -> TextArray:
    """Values that lie in lists, or in text that is JSON within text that is JSON.

    Looked up in their rows alone, because planning this SQL takes longer than reading a block.
    """
    if not value.null_count:
        return value
    may_be = compute.fill_null(compute.starts_with(texts, "["), False)  # noqa: FBT003 (Arrow's signature)
    for depth, begin in enumerate(begins, 1):
        kinds = ["["] if depth == 1 else ["[", "{"]
        may_be = compute.or_(may_be, compute.is_in(begin, pa.array(kinds)))
    rows = compute.and_(may_be, value.is_null())
    if not rows.true_count:
        return value
    query = f"SELECT {_rare_value(path.steps, leaf)} FROM texts"  # noqa: S608 (all of it is quoted)
    (rare,) = _columns(texts.filter(rows), query)
    return compute.replace_with_mask(value.cast(pa.string()), rows, rare.cast(pa.string()))


def _rare_value(steps: Sequence[str], leaf: str) -> str:
    """SQL for what lies at these steps of JSON texts, whatever is on the way."""
    ways = [_of_list("text", steps, leaf)]
    for outer, inner in _splits(steps):
        text = f"{_AS_TEXT}(text, {_text(_pointer(outer))})"
        ways += [_of_list(text, inner, leaf)]
        ways += [
            f"try({_at(f'{_AS_TEXT}({text}, {_text(_pointer(middle))})', last, leaf)})"
            for middle, last in _splits(inner)
        ]
    return _first([f"try({way})" for way in ways])


def _of_list(text: str, steps: Sequence[str], leaf: str) -> str:
    """SQL for an element by number, the value of a key, or what the first object has."""
    key, rest = steps[0], steps[1:]
    place = f"list_position({_AS_TEXT}({text}, '$[*].key'), {_text(key)})"
    pair = f"list_extract(json_extract({text}, '$[*].value'), {place})"
    typed = [] if rest else [_at(pair, (name,), leaf) for name in TYPED_VALUES]
    ways = [_at(text, steps, leaf), *typed, _at(pair, rest, leaf)]
    if '"' not in key:  # DuckDB's wildcard paths cannot quote it.
        all_of_key = f"json_extract({text}, {_text(f'$[*].{_quoted(key)}')})"
        there = f"list_filter({all_of_key}, lambda value: value::VARCHAR <> 'null')"
        ways.append(_at(f"list_extract({there}, 1)", rest, leaf))
    return f"CASE {text}[1] WHEN '[' THEN {_first(ways)} END"


def _at(json: str, steps: Sequence[str], leaf: str) -> str:
    return f"{leaf}({json}, {_text(_pointer(steps) or '$')})"


def _splits(steps: Sequence[str]) -> list[tuple[Sequence[str], Sequence[str]]]:
    """The ways to cut a path in two, the longest beginning first."""
    return [(steps[:at], steps[at:]) for at in range(len(steps) - 1, 0, -1)]


def _place(steps: Sequence[str], places: dict[str, int]) -> int:
    return places.setdefault(_pointer(steps), len(places) + 1)


def _listed(pointers: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, pointers))}]"


def _columns(texts: TextArray, query: str) -> list[ArrowArray]:
    try:
        queries = _idle.pop()
    except IndexError:
        queries = _Queries()
    try:
        return queries.columns(texts, query)
    finally:
        _idle.append(queries)


class _Relation:
    """What queries know as `texts`.

    DuckDB asks it at each execution; a prepared query would read the same Arrow table for ever.
    """

    def __init__(self) -> None:
        self.table = _NO_TEXTS

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        table: Any = self.table
        return table.__arrow_c_stream__(requested_schema)


class _Queries:
    """Queries that are planned once: that takes longer than reading a thousand rows."""

    def __init__(self) -> None:
        import duckdb  # noqa: PLC0415 (only sources of JSON need it)

        # Tasks are threads already, one for each core.
        self._connection = duckdb.connect(config={"threads": 1})
        self._relation = _Relation()
        self._connection.register("texts", self._relation)
        self._names: dict[str, str] = {}

    def columns(self, texts: TextArray, query: str) -> list[ArrowArray]:
        """The columns of a query's result over some texts."""
        name = self._names.get(query) or self._prepare(query)
        self._relation.table = pa.table({"text": texts})
        try:
            rows = self._connection.sql(f"EXECUTE {name}").to_arrow_table()
        finally:
            self._relation.table = _NO_TEXTS
        return [
            pa.concat_arrays(c.chunks) if c.num_chunks else pa.array([], c.type)
            for c in rows.columns
        ]

    def _prepare(self, query: str) -> str:
        if len(self._names) >= _QUERIES_KEPT:
            for name in self._names.values():
                self._connection.execute(f"DEALLOCATE {name}")
            self._names.clear()
        name = f"query_{len(self._names)}"
        self._connection.execute(f"PREPARE {name} AS {query}")
        self._names[query] = name
        return name


# As many as there were tasks at a time: threads come and go with them.
_idle: list[_Queries] = []
# The library complains of what is still there when it goes.
atexit.register(_idle.clear)


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
