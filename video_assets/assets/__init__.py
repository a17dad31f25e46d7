"""Asset declarations: what exists, from what, in which partitions; they only connect."""
