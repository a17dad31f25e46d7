"""Pure functions on DataFrames: what each table is, written once for every engine."""
