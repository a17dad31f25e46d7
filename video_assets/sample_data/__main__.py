"""Write sample data: `python -m video_assets.sample_data --help`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from video_assets.sample_data.spec import SampleSpec
from video_assets.sample_data.summary import SampleSummary
from video_assets.sample_data.writing import write_sample
from video_assets.settings.sources import SAMPLE_FOLDER


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a sample as the command line asks, and print what it holds."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    folder = options.pop("output")
    try:
        spec = SampleSpec(**options)
    except ValidationError as error:
        parser.error("; ".join(_problem(problem) for problem in error.errors()))
    console = Console()
    summary = _write_with_progress(folder, spec, console)
    console.print(_report(summary, folder))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m video_assets.sample_data",
        description="Write player events, video metadata and daily views, as realistic as needed "
        "and as many as asked. Memory grows with the events of one day, not of all.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--output", type=Path, default=Path(SAMPLE_FOLDER), help="folder to write into"
    )
    for name, field in SampleSpec.model_fields.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            action="store_true" if field.annotation is bool else "store",
            default=field.default,
            help=field.description,
        )
    return parser


def _problem(error: ErrorDetails) -> str:
    option = "".join(f"--{part}: ".replace("_", "-") for part in error["loc"])
    return f"{option}{error['msg'].removeprefix('Value error, ')}"


def _write_with_progress(folder: Path, spec: SampleSpec, console: Console) -> SampleSummary:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        files = progress.add_task("files of events", total=spec.days + 1)

        def show(path: Path) -> None:
            progress.update(files, advance=path.name.startswith("events-"))

        return write_sample(folder, spec, show)


def _report(summary: SampleSummary, folder: Path) -> Table:
    events, views = summary.events, summary.views
    table = Table("", "player events", "daily views", title=f"Sample data in {folder}")
    for label, of_events, of_views in (
        ("rows", events.rows, views.rows),
        ("valid and distinct", events.distinct, views.distinct),
        ("duplicates", events.duplicates, views.duplicates),
        ("to be refused", sum(events.rejected.values()), sum(views.rejected.values())),
        ("late", events.late, 0),
        ("videos in metadata, with views", summary.videos, views.videos),
        ("missing days", 0, views.missing_days),
    ):
        table.add_row(label, f"{of_events:,}", f"{of_views:,}")
    return table


if __name__ == "__main__":
    sys.exit(main())
