"""What the documented commands print, pasted into docs/terminal.md: `make terminal`."""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from support.checkout import ROOT, Checkout

from video_assets.settings.sources import SAMPLE_FOLDER, SAMPLE_SUMMARY

PAGE = ROOT / "docs" / "terminal.md"
HOME = "export DAGSTER_HOME=$PWD/.dagster_home"
LAUNCH = ".venv/bin/dg launch --assets"
ENGAGEMENT = "'group:player_events or group:engagement'"
SECONDS = 900
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def commands(first: date, last: date) -> Mapping[str, str]:
    """The documented commands by what they are for, for a demo of these days."""
    week = last - timedelta(days=6)
    return {
        "Is everything set up right?": ".venv/bin/dg check defs --no-check-yaml",
        "A day again": f"{LAUNCH} {ENGAGEMENT} --partition {last}",
        "A range in one run": f"{LAUNCH} 'key:\"video/raw_events\"' --partition-range "
        f"{week}...{last}",
        "A source that is not there": f"VIDEO_ASSETS_EVENTS=/nowhere/*.json {LAUNCH} "
        f"'key:\"video/raw_events\"' --partition {last}",
        "A day before the first one": f"{LAUNCH} {ENGAGEMENT} --partition "
        f"{first - timedelta(days=1)}",
        "A start in the future": f"VIDEO_ASSETS_START_DATE=2999-01-01 {LAUNCH} {ENGAGEMENT} "
        f"--partition {last}",
        "Days and months together": f"{LAUNCH} 'group:daily_views' --partition {last}",
        "A misspelt setting": f"VIDEO_ASSETS_EVENT=events.json {LAUNCH} {ENGAGEMENT} "
        f"--partition {last}",
        "Maintenance": ".venv/bin/dg launch --job maintenance",
        "A question": ".venv/bin/python -m video_assets.sql_shell queries/top_videos.sql",
        "A known source, tried with a sample": "make try SOURCE=openedx",
    }


def main() -> None:
    """Run them all, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="video_assets_") as folder:
        checkout = Checkout.at(Path(folder))
        sections = [
            _section(checkout, "What is there to do?", "make help"),
            _section(checkout, "The demo", "make demo"),
        ]
        summary = json.loads((checkout.folder / SAMPLE_FOLDER / SAMPLE_SUMMARY).read_text("utf-8"))
        first = date.fromisoformat(summary["spec"]["first_day"])
        last = first + timedelta(days=summary["spec"]["days"] - 1)
        sections += [
            _section(checkout, title, command) for title, command in commands(first, last).items()
        ]
    PAGE.write_text(
        "# What the commands say\n\nMade by `make terminal`, which runs each of them in a fresh "
        f"folder, with `{HOME}`. A setting before a command holds for that command alone.\n"
        + "".join(sections),
        "utf-8",
    )


def _section(checkout: Checkout, title: str, command: str) -> str:
    done = checkout.bash(f"{HOME}; {command}", SECONDS)
    said = _COLOURS.sub("", done.stdout).replace(str(checkout.folder), "/path/to/video_assets")
    lines = "\n".join(line.rstrip() for line in said.strip().splitlines())
    sys.stdout.write(f"{title}: {len(said.splitlines())} lines\n")
    ended = f"\n\nIt ends with exit code {done.returncode}." if done.returncode else ""
    return f"\n## {title}\n\n```console\n$ {command}\n{lines}\n```{ended}\n"


if __name__ == "__main__":
    main()
