"""The environment of the report's templates: everything of the data is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from video_assets import wording
from video_assets.report.saving import csv_address, csv_name

# A row of a table, or its columns.
Row = Sequence[str]

TEMPLATES = Environment(
    loader=PackageLoader("video_assets.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    read.__name__: read
    for read in (
        wording.count,
        wording.full_day,
        wording.hours,
        wording.moment,
        wording.name,
        wording.percent,
        wording.short_day,
    )
}
TEMPLATES.globals |= {"csv_address": csv_address, "csv_name": csv_name}


@dataclass(frozen=True)
class Tile:
    """A headline figure as the templates show it, with what it is, or how it changed."""

    name: str
    value: str
    more: str
