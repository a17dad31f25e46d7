"""Video analytics assets: player events and daily views become trustworthy Delta tables."""

import warnings

# Dagster calls these beta at every use. Without the first two a range would be one run a day, and
# the first day could not be computed without a day before it; the others link to the code.
for beta in (
    "Parameter `backfill_policy`",
    "Parameter `allow_nonexistent_upstream_partitions`",
    # Of a group in a selection on the command line.
    "Parameter `include_sources`",
    "Class `LocalFileCodeReference`",
    "Class `CodeReferencesMetadataValue`",
):
    warnings.filterwarnings("ignore", beta)
