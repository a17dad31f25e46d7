"""The watch-time rules: Arrow in, Arrow out; no Spark, no Dagster."""
