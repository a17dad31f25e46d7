"""The watch-time rules: Arrow in, Arrow out; no Spark, no Dagster.

Where to find a rule of the contract:

| rule | module |
|---|---|
| 1, valid event | `player_events.source_rows`; repeated rows: `player_events.sort_out` |
| 2, order | `player_events.ordering` |
| 3 to 6, gap, session break, watched segment, skip | `gaps` |
| 7, unterminated play | `credit` |
| 8, unique seconds | `intervals` |
| 9, session row | `sessions`, its endings `endings` |
| 10, engagement row | `engagement` |
| 11 to 13, score, tier, quality flag | `scoring` |

Every threshold is in `rules`; `arrays` holds the sort that all of them share.
"""
