"""The source of lifetime view counts as a Dagster resource."""

from typing import Literal, Protocol

import dagster as dg
from pydantic import Field

from resources.view_counts.simulator import SimulatedViewCounts
from resources.view_counts.source import ViewCountSource


class ViewCountSettings(Protocol):
    """The settings that name a source of lifetime views."""

    @property
    def view_count_source(self) -> Literal["simulator", "youtube"]:
        """Who is asked."""

    @property
    def youtube_url(self) -> str:
        """Base URL of the YouTube Data API."""


class ViewCounts(dg.ConfigurableResource[ViewCountSource]):
    """Builds the source when it is first needed: only then a missing API key is an error."""

    kind: Literal["simulator", "youtube"] = Field("simulator", description="Who is asked.")
    youtube_url: str = Field(description="Base URL of the YouTube Data API.")

    @classmethod
    def from_settings(cls, settings: ViewCountSettings) -> "ViewCounts":
        """The source that the settings name."""
        return cls(kind=settings.view_count_source, youtube_url=settings.youtube_url)

    def source(self) -> ViewCountSource:
        """The source.

        Raises:
            InvalidApiKeyError: YouTube is asked for, and YOUTUBE_API_KEY is not set.
        """
        if self.kind == "youtube":
            # Its client takes long to import.
            from resources.view_counts.youtube import YouTubeViewCounts  # noqa: PLC0415

            return YouTubeViewCounts.from_environment(base_url=self.youtube_url)
        return SimulatedViewCounts()
