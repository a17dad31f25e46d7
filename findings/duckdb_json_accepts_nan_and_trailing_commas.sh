#!/usr/bin/env bash
# DuckDB 2.0.0 calls a JSON text valid that holds NaN, Infinity or a comma before the closing
# brace. Player events with a position of NaN, as JavaScript's templates write them, are thus rows
# with the text "NaN" as value, where a guess from the JSON standard says that they are no JSON.
# Seen: json_valid is true for the three texts, and false for a single-quoted one and for 01.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

print("duckdb", duckdb.__version__)
texts = ['{"currentTime": NaN}', '{"currentTime": -Infinity}', '{"currentTime": 1,}',
         "{'currentTime': 1}", '{"currentTime": 01}']
seen = []
for text in texts:
    valid, value = duckdb.execute(
        "SELECT json_valid($1), try(json_extract_string($1, '/currentTime'))", [text]
    ).fetchone()
    print(f"{text:28} valid={valid} value={value!r}")
    seen.append((valid, value))
assert seen == [(True, "NaN"), (True, "-Infinity"), (True, "1"), (False, None), (False, None)], seen
PYTHON
