"""Alerts: what is told, to whom, and the table that remembers it."""
