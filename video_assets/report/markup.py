"""HTML that is escaped unless it was made here."""

from html import escape


class Html(str):
    """Text that is HTML already; everything else is escaped before it gets onto the page."""

    __slots__ = ()


def tag(name: str, *children: str, classes: str = "", **attributes: str) -> Html:
    """An element; children that are no `Html` are escaped, and so is every attribute.

    Args:
        name: of the element.
        children: what it contains.
        classes: the attribute `class`.
        attributes: by name; an underscore stands for a hyphen.
    """
    given = {"class": classes, **attributes} if classes else attributes
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in given.items()
    )
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*parts: str) -> Html:
    """The parts one after the other; those that are no `Html` are escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))
