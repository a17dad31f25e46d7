import gzip
from pathlib import Path

import pytest
from support.source_files import EVENT, csv_bytes, json_bytes, read

from video_assets.sources.errors import SourceError

EXCEL = csv_bytes([EVENT]).decode()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", EXCEL.encode("utf-16"), r"a\.csv: is text in UTF-16.*Save it as UTF-8"),
        ("a.csv", EXCEL.encode("utf-16-le"), "is text in UTF-16"),
        ("a.json", json_bytes([EVENT]).decode().encode("utf-16-be"), "is text in UTF-16"),
        ("a.csv", b"PK\x03\x04 and so on", "is a ZIP archive or an Excel workbook.*Unpack it"),
        ("a", b"ORC and so on", "is an ORC file.*Convert it to Parquet"),
        ("a.json", b"Obj\x01 and so on", "is an Avro file.*Convert it"),
        ("a.json", b"PAR1 and so on", r"is a Parquet file.*suffix \.parquet"),
        ("a.json", gzip.compress(json_bytes([EVENT])), r"compressed with gzip.*suffix \.gz"),
        ("a.csv.gz", gzip.compress(EXCEL.encode("utf-16")), "is text in UTF-16"),
    ],
)
def test_what_is_no_text_is_named_with_the_remedy(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read(tmp_path / name)


def test_a_file_that_a_crash_filled_with_nul_is_text_with_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(bytes(100) + b"\n" + json_bytes([EVENT]))
    outcome = read(tmp_path / "a.json")
    assert (len(outcome.valid), outcome.reasons) == (1, ["unparseable_row"])
