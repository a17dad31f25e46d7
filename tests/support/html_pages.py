"""What a page holds, as a parser sees it."""

import base64
import csv
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser

LOADING = ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "background")
VOID = {"meta", "br", "img", "input", "link", "hr"}


@dataclass
class Parsed:
    """Elements in order as (name, attributes), and all text that is no style."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    unclosed: list[str] = field(default_factory=list)

    def names(self) -> set[str]:
        return {name for name, _ in self.elements}

    def with_attribute(self, attribute: str) -> list[str]:
        return [given[attribute] for _, given in self.elements if attribute in given]

    def loads(self) -> set[str]:
        """What the page refers to beyond itself, by any attribute that can."""
        named = {found for attribute in LOADING for found in self.with_attribute(attribute)}
        return {found for found in named if not found.startswith("data:text/csv;")}

    def saved(self) -> dict[str, list[list[str]]]:
        """The rows of each table that the page offers as a file, by the file's name."""
        files = {}
        for _, given in self.elements:
            if "download" in given:
                _, _, content = given["href"].partition(";base64,")
                text = base64.b64decode(content, validate=True).decode("utf-8-sig")
                files[given["download"]] = list(csv.reader(io.StringIO(text, newline="")))
        return files


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Parsed()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.found.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.found.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.found.unclosed[-1:] != ["style"]:
            self.found.text += f"{data}\n"


def parsed(html: str) -> Parsed:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found
