"""Deliveries: every version of every source file, and what became of its rows."""
