"""Runs that die and services that start at once: what Dagster's own parts leave to a person."""
