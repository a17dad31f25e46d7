"""Small logs of players, as each kind of player writes them; with the traps of its page."""

from collections.abc import Callable, Mapping
from pathlib import Path

from video_assets.sample_data.player_logs.azure import write_appinsights
from video_assets.sample_data.player_logs.learning import write_caliper, write_xapi
from video_assets.sample_data.player_logs.mux import write_mux
from video_assets.sample_data.player_logs.openedx import write_openedx
from video_assets.sample_data.player_logs.story import PlayerSample
from video_assets.sample_data.player_logs.tracking import write_ga4, write_segment, write_snowplow

PLAYER_SAMPLES: Mapping[str, Callable[[Path], PlayerSample]] = {
    "openedx": write_openedx,
    "xapi": write_xapi,
    "caliper": write_caliper,
    "segment": write_segment,
    "snowplow": write_snowplow,
    "appinsights": write_appinsights,
    "mux": write_mux,
    "ga4": write_ga4,
}
