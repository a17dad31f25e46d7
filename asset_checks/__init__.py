"""Asset checks: a rule, and the rows that break it."""
