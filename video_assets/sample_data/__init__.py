"""Realistic input of any size, with all the defects of real deliveries; same seed, same rows."""

from video_assets.sample_data.spec import SampleSpec
from video_assets.sample_data.summary import EventCounts, SampleSummary, ViewCounts
from video_assets.sample_data.writing import write_sample

__all__ = ["EventCounts", "SampleSpec", "SampleSummary", "ViewCounts", "write_sample"]
