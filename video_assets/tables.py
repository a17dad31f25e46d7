"""All tables by name; each is declared in the room of its group."""

from collections.abc import Mapping
from types import MappingProxyType

from resources.alerts.table import alerts_table
from resources.delta.table import Table
from video_assets.analytics.tables import ANALYTICS_TABLES, DAILY_ANALYTICS_TABLES
from video_assets.daily_views.tables import (
    DAILY_VIDEO_VIEWS,
    MISSING_DATE,
    MISSING_DATES,
    MONTHLY_VIEWS,
    REJECTED_DAILY_VIEWS,
)
from video_assets.deliveries.tables import SOURCE_FILES
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.lifetime_views.tables import LIFETIME_SNAPSHOTS, LIFETIME_VIEW_HISTORY
from video_assets.player_events.tables import (
    DESCRIBED_VIDEOS,
    ERASED_USERS,
    RAW_EVENTS,
    REJECTED_EVENTS,
    USER_ALIASES,
)
from video_assets.vocabulary import SCHEMA_NAME

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            RAW_EVENTS,
            REJECTED_EVENTS,
            DESCRIBED_VIDEOS,
            SOURCE_FILES,
            VIDEO_METADATA,
            SESSIONS,
            ENGAGEMENT,
            DAILY_VIDEO_VIEWS,
            REJECTED_DAILY_VIEWS,
            MONTHLY_VIEWS,
            MISSING_DATES,
            MISSING_DATE,
            LIFETIME_SNAPSHOTS,
            LIFETIME_VIEW_HISTORY,
            *DAILY_ANALYTICS_TABLES,
            *ANALYTICS_TABLES,
        )
    }
)

ALERTS = alerts_table(SCHEMA_NAME)
# These are no assets: the daemon writes the alerts, the job `erase_users` whom it erased, and what
# reads the events their users' aliases.
ALL_TABLES: tuple[Table, ...] = (*TABLES.values(), ALERTS, ERASED_USERS, USER_ALIASES)
