"""Video analytics assets: player events and daily views become trustworthy Delta tables."""

import warnings

# Dagster calls these two beta at every use; without them a range would be one run a day, and the
# first day could not be computed without a day before it.
for parameter in ("backfill_policy", "allow_nonexistent_upstream_partitions"):
    warnings.filterwarnings("ignore", f"Parameter `{parameter}`")
