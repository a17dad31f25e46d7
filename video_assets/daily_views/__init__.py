"""Daily views of videos, their months, and the days that are missing."""
