"""The sources of the settings."""

from video_assets.daily_views.stage_views import views_delivered
from video_assets.deliveries.delivery import Source
from video_assets.engagement.stage_video_metadata import metadata_delivered
from video_assets.player_events.stage_events import events_delivered
from video_assets.player_events.user_aliases import aliases_delivered
from video_assets.settings import Settings


def sources_of(settings: Settings) -> tuple[Source, ...]:
    """Each source that there is."""
    described = (metadata_delivered(settings), aliases_delivered(settings))
    named = (events_delivered(settings), views_delivered(settings), *described)
    return tuple(source for source in named if source)
