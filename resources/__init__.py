"""Everything with a side effect: the engine, the Delta tables, object storage, APIs."""
