"""From a clone to rows of one's own, by the README's own commands."""

import json
from pathlib import Path

import pytest
from support.checkout import ROOT, Checkout, commands_of
from support.tables import stored

from resources.delta.commit import open_table
from video_assets.engagement.tables import ENGAGEMENT
from video_assets.player_events.tables import RAW_EVENTS

BUCKET = "s3://my-bucket"
AT_MOST = 5
SCREEN = 24
DAYS = 7
NAMES = {"play": "00:00", "pause": "00:40", "ended": "01:00"}


def write_own_events(folder: Path) -> None:
    """A file a day, in the columns and with the names that the README's example has."""
    (folder / "events").mkdir(parents=True)
    for day in range(1, DAYS + 1):
        rows = [
            {
                "timestamp": f"2025-01-{day:02}T10:{at}Z",
                "user": "ann",
                "sessionId": f"visit-{day}",
                "videoId": "intro",
                "eventName": name,
                "position": float(at[-2:]),
            }
            for name, at in NAMES.items()
        ]
        path = folder / "events" / f"2025-01-{day:02}.json"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    described = {"videoId": "intro", "duration": 60, "title": "Introduction"}
    (folder / "videos.json").write_text(json.dumps(described), "utf-8")


@pytest.mark.processes
def test_own_rows_are_there_after_the_readme_s_commands(tmp_path: Path) -> None:
    project, bucket = tmp_path / "project", tmp_path / "bucket"
    project.mkdir()
    write_own_events(bucket)
    readme = (ROOT / "README.md").read_text("utf-8")
    [settings, *steps] = commands_of(readme, "Your own events")
    commands = [*("".join(steps)).splitlines()]
    # The clone, the file of settings, and these, of which the last one serves the UI.
    assert len(commands) + 2 <= AT_MOST
    assert commands[-1].startswith("make dev")
    (project / ".env").write_text(settings.replace(BUCKET, str(bucket)), "utf-8")
    done = Checkout.at(project).bash("\n".join(commands[:-1]))
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) <= SCREEN, done.stdout
    assert f"raw_events: {len(NAMES) * DAYS} rows of {DAYS} days" in done.stdout
    warehouse = f"{bucket}/warehouse/video"
    [row] = stored(open_table(f"{warehouse}/{ENGAGEMENT.name}"))
    assert (row["userId"], row["videoId"], row["videoDuration"]) == ("ann", "intro", 60.0)
    assert len(stored(open_table(f"{warehouse}/{RAW_EVENTS.name}"))) == len(NAMES) * DAYS
