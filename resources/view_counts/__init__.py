"""Lifetime view counts of videos: one interface, a simulator and the YouTube Data API."""

from resources.view_counts.simulator import SimulatedViewCounts
from resources.view_counts.source import (
    InvalidApiKeyError,
    QuotaExceededError,
    ViewCounts,
    ViewCountSource,
    ViewCountSourceError,
)

__all__ = [
    "InvalidApiKeyError",
    "QuotaExceededError",
    "SimulatedViewCounts",
    "ViewCountSource",
    "ViewCountSourceError",
    "ViewCounts",
]
