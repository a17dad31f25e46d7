#!/usr/bin/env bash
# pyarrow 26.0.1: Parquet texts in the encodings DELTA_BYTE_ARRAY and DELTA_LENGTH_BYTE_ARRAY, which
# event pipelines in Go and writers of Parquet's second data pages use by default. `read_dictionary`
# is documented as a way to read columns as dictionaries; a guess is that it works for each column
# of texts that can be read.
# Seen: both encodings can be read, and with `read_dictionary` raise "Not yet implemented"; PLAIN
# works both ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder/events.parquet" <<'PYTHON'
import sys

import pyarrow as pa
import pyarrow.parquet as pq

EVENTS = pa.table({"event": ["play", "pause", "play"]})


def outcome(encoding, dictionary):
    pq.write_table(
        EVENTS, sys.argv[1], use_dictionary=False, column_encoding={"event": encoding}
    )
    try:
        rows = pq.read_table(sys.argv[1], read_dictionary=dictionary)
    except OSError as error:
        return str(error).partition(":")[0]
    return rows["event"].to_pylist() == ["play", "pause", "play"]


seen = {
    encoding: (outcome(encoding, []), outcome(encoding, ["event"]))
    for encoding in ("PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY")
}
print("pyarrow", pa.__version__)
for encoding, (plain, as_dictionary) in seen.items():
    print(f"{encoding}: plain {plain}, read_dictionary {as_dictionary}")
assert seen["PLAIN"] == (True, True), seen
for encoding in ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
    assert seen[encoding] == (True, "Not yet implemented"), seen
PYTHON
