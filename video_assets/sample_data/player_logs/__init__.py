"""Small logs of players, as each kind of player writes them; with the traps of its page."""

from collections.abc import Callable, Mapping
from pathlib import Path

from video_assets.sample_data.player_logs.openedx import write_openedx
from video_assets.sample_data.player_logs.story import PlayerSample

PLAYER_SAMPLES: Mapping[str, Callable[[Path], PlayerSample]] = {"openedx": write_openedx}
