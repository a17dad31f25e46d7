"""Lifetime views: snapshots, and the history of both kinds of count."""
