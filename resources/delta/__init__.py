"""Delta tables: written in two phases, committed once, loaded through the engine."""
