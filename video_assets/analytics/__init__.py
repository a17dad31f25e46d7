"""Analysts' tables: videos, positions, viewers, cohorts."""
