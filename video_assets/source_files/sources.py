"""The sources of the settings."""

from video_assets.daily_views.stage_views import views_delivered
from video_assets.deliveries.delivery import Source
from video_assets.engagement.stage_video_metadata import metadata_delivered
from video_assets.player_events.stage_events import events_delivered
from video_assets.settings import Settings


def sources_of(settings: Settings) -> tuple[Source, ...]:
    """Each source that there is."""
    metadata = metadata_delivered(settings)
    named = (events_delivered(settings), views_delivered(settings), metadata)
    return tuple(source for source in named if source)
