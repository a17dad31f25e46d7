"""The page of errors, made from the code: what each says, and what to do then."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What somebody does who meets them, and where the code of it is; the first that fits counts.
SUBJECTS = {
    "Settings": ("video_assets/settings", "video_assets/rules.py", "video_assets/csv_dialect.py"),
    "Sources and their files": ("video_assets/sources", "video_assets/delta_clones.py"),
    "Days that could not be written": ("video_assets/written_days.py",),
    "Sessions, views and reports": (
        "video_assets/daily_views",
        "video_assets/engagement",
        "video_assets/player_events/ordering.py",
        "video_assets/report",
    ),
    "Asking for lifetime views": ("video_assets/lifetime_views", "resources/view_counts"),
    "Erasing people": ("video_assets/automation/erasure.py", "video_assets/player_events"),
    "Notebooks, SQL and the demo": (
        "video_assets/notebook.py",
        "video_assets/sql_shell.py",
        "video_assets/demo.py",
        "video_assets/sample_data",
    ),
    "Stored tables": ("resources/delta",),
    "Paths, URIs and disks": ("resources/storage.py", "resources/runs"),
    "The engine": ("resources/engine",),
    "Alerts": ("resources/alerts",),
}
# Outside of them, a word for a mistake in the code.
_OF_ALL_SUBJECTS = {"Failure", "RuntimeError", "ValueError"}
# A message may end in what to do: after a sentence, or after a colon.
_SENTENCE = re.compile(r"^(?P<says>.+?[^.]\.) (?P<remedy>[A-Z].+)$")
_AFTER_COLON = re.compile(
    r"^(?P<says>.+)[:;] (?P<remedy>(?:add|ask|cut|correct|create|install|map|materialize|name|pass|"
    r"put|run|set|start|use|write)\b.+)$"
)
# Of fewer words of its own, a message is another's that it passes on.
_FEWEST_WORDS = 3
_FILLED_IN = re.compile(r"\*[^*]+\*")


@dataclass(frozen=True, order=True)
class Message:
    """What an error says; what differs from case to case stands as *name*.

    Attributes:
        subject: heading of the page.
        says: what is wrong.
        remedy: what to do; empty where that is all that it says.
    """

    subject: str
    says: str
    remedy: str


def errors_reference() -> str:
    """Every error that the code words itself, as a Markdown page."""
    intro = (
        "# Errors\n\nMade by `make docs` from the code: each error that runs, commands and "
        "notebooks word themselves, and what to do then. What differs from case to case stands "
        "as *name*. An error of a setting begins with the setting's name. Where the second cell is "
        "empty, the first says what is allowed, or what another library said.\n"
    )
    found = sorted(set(messages()))
    return intro + "".join(
        _section(subject, [one for one in found if one.subject == subject]) for subject in SUBJECTS
    )


def messages() -> Iterator[Message]:
    """The errors of the packages, in no particular order."""
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for package in ("resources", "video_assets")
        for path in (ROOT / package).rglob("*.py")
    }
    errors = {cls.name for tree in trees.values() for cls in _classes(tree)} | _OF_ALL_SUBJECTS
    helpers = {f.name: f for tree in trees.values() for f in _functions(tree)}
    for path, tree in trees.items():
        subject = _subject_of(path.relative_to(ROOT).as_posix())
        for call in ast.walk(tree):
            if subject and isinstance(call, ast.Call) and _name(call.func) in errors:
                yield from (_message(subject, text) for text in _texts(call, helpers))


def _section(subject: str, found: list[Message]) -> str:
    rows = "".join(f"| {_cell(one.says)} | {_cell(one.remedy)} |\n" for one in found)
    return f"\n## {subject}\n\n| what it says | what to do |\n| --- | --- |\n{rows}"


def _subject_of(path: str) -> str | None:
    fits = (subject for subject, places in SUBJECTS.items() if path.startswith(places))
    return next(fits, None)


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            yield node


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _texts(call: ast.Call, helpers: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """The texts that an error may have, its own or those of the function that words it."""
    given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "description")]
    for value in given:
        text = _template(value)
        if text and _has_words(text):
            yield text
        elif isinstance(value, ast.Call) and _name(value.func) in helpers:
            returned = (
                _template(node.value)
                for node in ast.walk(helpers[_name(value.func)])
                if isinstance(node, ast.Return) and node.value is not None
            )
            yield from (one for one in returned if one and _has_words(one))


def _has_words(text: str) -> bool:
    return len(_FILLED_IN.sub("", text).split()) >= _FEWEST_WORDS


def _template(node: ast.expr) -> str | None:
    """A text of the code, with names for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_part, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _template(node.left), _template(node.right)
        return left + right if left and right else None
    return None


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.FormattedValue):
        return f"*{_filled_in(node.value)}*"
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _filled_in(node: ast.expr) -> str:
    """A word for a value: the name that the code has for it."""
    names = [_name(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)]
    told = [name.strip("_").lower() for name in names if name not in ("self", "join", "str")]
    if isinstance(node, ast.Call) and _name(node.func) == "len":
        return "number"
    if isinstance(node, ast.Attribute) and node.attr in ("name", "value", "source"):
        return _name(node.value).strip("_").lower()
    return (told[0] if told else "value").replace("_", " ")


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _message(subject: str, text: str) -> Message:
    whole = " ".join(text.split())
    parts = _SENTENCE.match(whole) or _AFTER_COLON.match(whole)
    if parts is None:
        return Message(subject, whole, "")
    remedy = parts["remedy"]
    return Message(subject, parts["says"], remedy[0].upper() + remedy[1:])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
