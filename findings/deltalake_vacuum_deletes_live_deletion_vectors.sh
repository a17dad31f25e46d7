#!/usr/bin/env bash
# deltalake 1.6.6: a full VACUUM takes the file of a deletion vector for unneeded, however new the
# version that needs it. From the retention on (a week by default) after Spark deleted rows from a
# table with `delta.enableDeletionVectors`, maintenance by delta-rs makes the table unreadable for
# everybody. `vacuum(full=False)` leaves the file alone, and `optimize.z_order` writes the rows that
# are left into new files (`optimize.compact` does so only where there is more than one file).
# The vector is written here by hand, as Spark and the Delta protocol do: no Java is needed.
# Seen: the table has 2 of 3 rows; the full VACUUM deletes the .bin file; reading the table fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import struct
import sys
import uuid
import zlib
from pathlib import Path

import deltalake
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data: bytes) -> str:
    text = ""
    for (number,) in struct.iter_unpack(">I", data):
        text += "".join(Z85[number // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return text


def bitmap(row: int) -> bytes:
    """A 64-bit Roaring bitmap of one row's number, as Delta stores it."""
    roaring = struct.pack("<IIHHIH", 12346, 1, 0, 0, 16, row)
    return struct.pack("<IQI", 1681511377, 1, 0) + roaring


def delete_row(root: Path, row: int) -> None:
    """Mark a row of the only file as deleted, in a commit as Spark writes it."""
    log = root / "_delta_log"
    lines = (log / f"{0:020}.json").read_text().splitlines()
    [added] = [json.loads(line)["add"] for line in lines if '"add"' in line]
    name, data = uuid.uuid4(), bitmap(row)
    packed = struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    (root / f"deletion_vector_{name}.bin").write_bytes(b"\1" + packed)
    vector = {
        "storageType": "u", "pathOrInlineDv": z85(name.bytes), "offset": 1,
        "sizeInBytes": len(data), "cardinality": 1,
    }
    removed = {"path": added["path"], "deletionTimestamp": 0, "dataChange": True}
    protocol = {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
    }
    actions = [
        {"commitInfo": {"operation": "DELETE"}}, {"protocol": protocol}, {"remove": removed},
        {"add": {**added, "deletionVector": vector}},
    ]
    (log / f"{1:020}.json").write_text("\n".join(map(json.dumps, actions)))


def rows(root: Path) -> str:
    try:
        return str(sorted(pa.table(DeltaTable(root).scan().read_all())["n"].to_pylist()))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"


root = Path(sys.argv[1]) / "table"
print("deltalake", deltalake.__version__)
write_deltalake(root, pa.table({"n": [1, 2, 3]}))
delete_row(root, 0)
before = rows(root)
print("before:", before)
options = {"retention_hours": 0, "enforce_retention_duration": False, "dry_run": False}
DeltaTable(root).vacuum(full=False, **options)
lite = rows(root)
print("after a lite VACUUM:", lite)
gone = DeltaTable(root).vacuum(full=True, **options)
print("a full VACUUM deletes", [name[-4:] for name in gone])
after = rows(root)
print("after it:", after)
assert before == lite == "[2, 3]", (before, lite)
assert "not found" in after, after
PYTHON
