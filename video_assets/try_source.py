"""Take a small sample of a known source through its tables: `make try SOURCE=openedx`."""

import argparse
import shutil
from pathlib import Path

from rich.console import Console

from video_assets.sample_data.platforms import PLATFORM_SAMPLES
from video_assets.sample_data.player_logs import PLAYER_SAMPLES
from video_assets.try_events import try_events
from video_assets.try_views import try_views

FOLDER = Path("data/try")


def main() -> None:
    """Write the sample, compute its tables, print the fates of its rows and what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", choices=sorted({*PLATFORM_SAMPLES, *PLAYER_SAMPLES}))
    name = parser.parse_args().source
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    if name in PLAYER_SAMPLES:
        shown = try_events(name, PLAYER_SAMPLES[name](folder / "source"), folder / "warehouse")
    else:
        shown = try_views(name, PLATFORM_SAMPLES[name](folder / "source"), folder / "warehouse")
    console = Console()
    for part in shown:
        console.print(part)


if __name__ == "__main__":
    main()
