"""A chart as an inline picture without script: small, and in the colours of the page's theme."""

import re
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_DESCRIBED = "graphics-symbol"
_GEOMETRY = {"d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height"}
_FOR_THE_RENDERER = {"version", "font-family", "pointer-events", "aria-hidden", "class"}


def inline_svg(chart: alt.TopLevelMixin, title: str, classes: str = "") -> str:
    """The chart as an `svg` element for HTML, whose text alternative is the title.

    What a mark's encoding `description` says becomes its tooltip.

    Args:
        chart: with colours that CSS resolves, such as `var(--ink)`.
        title: what the picture shows, for those who do not see it.
        classes: CSS classes of the element.
    """
    drawn = vl_convert.vegalite_to_svg(chart.to_dict())
    # The renderer's own output, in which it has escaped every text.
    root = ET.fromstring(drawn)  # noqa: S314 (as above)
    _prune(root)
    for element in root.iter():
        _simplify(element)
    root.attrib = {
        "class": classes,
        "role": "img",
        "aria-label": title,
        "viewBox": root.attrib["viewBox"],
        "width": root.attrib["width"],
        "height": root.attrib["height"],
    }
    return ET.tostring(root, encoding="unicode")


def _prune(element: ET.Element) -> None:
    """Drop what is never visible, and groups that hold nothing else."""
    for child in list(element):
        _prune(child)
        is_empty_group = child.tag == f"{_NAMESPACE}g" and not len(child)
        if is_empty_group or _is_invisible(child):
            element.remove(child)


def _is_invisible(element: ET.Element) -> bool:
    given = element.attrib
    is_hidden = given.get("opacity") == "0" or given.get("display") == "none"
    is_unpainted = given.get("class") == "background" and not {"fill", "stroke"} & given.keys()
    return is_hidden or is_unpainted


def _simplify(element: ET.Element) -> None:
    element.tag = element.tag.removeprefix(_NAMESPACE)
    told = element.attrib.get("aria-label")
    if told and element.attrib.get("role") == _DESCRIBED and element.tag != "g":
        tooltip = ET.SubElement(element, "title")
        tooltip.text = told
    element.attrib = {
        name: _LONG_NUMBER.sub(_rounded, value) if name in _GEOMETRY else value
        for name, value in element.attrib.items()
        if not (name in _FOR_THE_RENDERER or name.startswith("aria-") or name == "role")
        and (name, value) != ("opacity", "1")
    }


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
