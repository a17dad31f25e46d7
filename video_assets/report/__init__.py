"""The report that people look at: small figures from the tables, charts, one page."""
