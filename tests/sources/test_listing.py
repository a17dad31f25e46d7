import bz2
import gzip
import os
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support.source_files import EVENT, csv_bytes, json_bytes, read, write

from video_assets.player_events.source_rows import EVENT_ROWS
from video_assets.sources.config import SourceConfig
from video_assets.sources.errors import SourceError
from video_assets.sources.listing import Listing, find_all, last_date_in, list_source
from video_assets.vocabulary import SourceFormat

DAY, NEXT_DAY, END_DAY = date(2025, 1, 3), date(2025, 1, 4), date(2025, 1, 5)


def list_files(uri: Path | str, format_: SourceFormat = "auto", end_day: date = END_DAY) -> Listing:
    return list_source(SourceConfig(str(uri), format_), EVENT_ROWS, DAY, end_day)


def names(listing: Listing) -> list[str]:
    return [file.uri.rpartition("/")[2] for file in listing.files]


def fill(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(csv_bytes([EVENT]))
    return folder


def test_a_file_is_listed_with_its_size(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv", [EVENT])
    listing = list_files(path)
    assert [file.uri for file in listing.files] == [str(path)]
    assert listing.total_bytes == path.stat().st_size


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fill(tmp_path, "in/a.csv"))
    assert names(list_files("in/a.csv")) == names(list_files("./in")) == ["a.csv"]


def test_a_file_uri_is_a_path(tmp_path: Path) -> None:
    fill(tmp_path, "with space/a.csv")
    assert names(list_files((tmp_path / "with space").as_uri())) == ["a.csv"]


def test_a_folder_is_listed_recursively_without_hidden_files(tmp_path: Path) -> None:
    fill(tmp_path, "b.csv", "a/z.csv", "_SUCCESS", ".crc/x.csv", "_temporary/y.csv", "a/.part.csv")
    same_time(tmp_path)
    assert names(list_files(tmp_path)) == ["z.csv", "b.csv"]


def test_files_stand_in_the_order_of_their_delivery(tmp_path: Path) -> None:
    """By the date in the name, else of the time; then by the time; then by the name."""
    files = {"c-20700102.csv": 9, "a.csv": 86_400, "b.csv": 5, "d-1970-01-02T0400.csv": 90_000}
    fill(tmp_path, *files)
    for name, time in files.items():
        os.utime(tmp_path / name, (time, time))
    in_order = ["b.csv", "a.csv", "d-1970-01-02T0400.csv", "c-20700102.csv"]
    assert names(list_files(tmp_path)) == in_order


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("report_20250103.csv", date(2025, 1, 3)),
        ("report-2025-01-03.csv", date(2025, 1, 3)),
        ("2025_01_03T101500.json.gz", date(2025, 1, 3)),
        ("of-20250103-made-20250105040000.csv", date(2025, 1, 5)),
        ("v20251399.csv", None),
        ("id-120250103.csv", None),
        ("views.csv", None),
    ],
)
def test_the_last_date_of_a_files_name_is_its_own(name: str, day: date | None) -> None:
    assert last_date_in(name) == day


@pytest.mark.parametrize("member", ["Chart data.csv", None])
def test_a_zip_archive_is_read_by_the_name_of_its_file(tmp_path: Path, member: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("export/Chart data.csv", csv_bytes([EVENT]))
        if member:
            archive.writestr("export/Totals.csv", b"Date,Views")
    listing = list_source(SourceConfig(str(tmp_path), zip_member=member), EVENT_ROWS, DAY, NEXT_DAY)
    assert [file.member for file in listing.files] == ["export/Chart data.csv"]
    assert len(read(SourceConfig(str(tmp_path), zip_member=member)).valid) == 1


def test_a_zip_archive_without_that_file_says_what_it_holds(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("Diagrammdaten.csv", b"Datum")
        archive.writestr("Summen.csv", b"Datum")
    for member, problem in (("Chart data.csv", "no file 'Chart data.csv'"), (None, "holds")):
        config = SourceConfig(str(tmp_path), zip_member=member)
        with pytest.raises(SourceError, match=f"{problem}.*'Diagrammdaten.csv', 'Summen.csv'"):
            list_source(config, EVENT_ROWS, DAY, NEXT_DAY)


def test_a_damaged_zip_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(SourceError, match=r"export.zip: not a readable ZIP archive"):
        list_files(tmp_path)


def same_time(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1_000, 1_000))


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.csv", ["a1.csv", "a2.csv"]),
        ("a?.csv", ["a1.csv", "a2.csv"]),
        ("a[2-3].csv", ["a2.csv"]),
        ("a[!2].csv", ["a1.csv"]),
        ("**/*.csv", ["a1.csv", "a2.csv", "c.csv", "d.csv"]),
        ("s*/*.csv", ["c.csv"]),
        ("s*/**/d.csv", ["d.csv"]),
        ("su*", ["c.csv", "d.csv"]),
    ],
)
def test_globs_match_files_and_folders(tmp_path: Path, glob: str, expected: list[str]) -> None:
    fill(tmp_path, "a1.csv", "a2.csv", "sub/c.csv", "sub/deep/d.csv")
    assert names(list_files(f"{tmp_path}/{glob}")) == expected


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    fill(tmp_path, "a[1].csv", "a1.csv")
    assert names(list_files(tmp_path / "a[1].csv")) == ["a[1].csv"]


@pytest.mark.parametrize(
    "uri", ["in[1]", "in[1]/*.csv", "in[1]/b[2].csv", "in[1]/b[2]*", "*[1]/b*"]
)
def test_brackets_in_a_name_that_exists_stand_for_themselves(tmp_path: Path, uri: str) -> None:
    fill(tmp_path, "in[1]/b[2].csv", "in1/b2.csv", "in1/b[2].csv")
    files = [file.uri for file in list_files(f"{tmp_path}/{uri}").files]
    assert files == [f"{tmp_path}/in[1]/b[2].csv"]


def test_files_that_are_still_written_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "a.csv", "b.csv.tmp", "c.csv._COPYING_", "_d.csv", ".e.csv", "_f/g.csv")
    assert names(list_files(tmp_path)) == names(list_files(f"{tmp_path}/*")) == ["a.csv"]


@pytest.mark.parametrize("name", ["e.parquet", "e.json", "e.csv", "e.json.gz", "e", "e.csv.zst"])
def test_an_empty_file_among_others_has_no_rows(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "a.csv")
    (tmp_path / name).touch()
    assert read(tmp_path).source_rows == 1


def test_a_template_lists_only_the_files_of_the_days(tmp_path: Path) -> None:
    fill(tmp_path, "d=2025-01-02/x.csv", "d=2025-01-03/x.csv", "d=2025-01-04/y.csv")
    listing = list_files(f"{tmp_path}/d={{date}}/*.csv")
    assert [(file.day, file.uri.rpartition("/")[2]) for file in listing.files] == [
        (DAY, "x.csv"),
        (NEXT_DAY, "y.csv"),
    ]


def test_a_template_may_format_the_date_in_the_middle_of_the_path(tmp_path: Path) -> None:
    fill(tmp_path, "2025/01/03/events/a.csv")
    listing = list_files(f"{tmp_path}/{{date:%Y/%m/%d}}/events", end_day=NEXT_DAY)
    assert [(file.day, file.uri) for file in listing.files] == [
        (DAY, f"{tmp_path}/2025/01/03/events/a.csv")
    ]


def test_a_template_may_hold_the_date_twice(tmp_path: Path) -> None:
    fill(tmp_path, "202501/events-2025-01-03.csv")
    template = f"{tmp_path}/{{date:%Y%m}}/events-{{date}}.csv"
    assert names(list_files(template, end_day=NEXT_DAY)) == ["events-2025-01-03.csv"]


def test_days_without_a_file_are_named_with_the_path_expected(tmp_path: Path) -> None:
    fill(tmp_path, "2025-01-03.csv")
    with pytest.raises(SourceError) as error:
        list_files(f"{tmp_path}/{{date}}.csv", end_day=date(2025, 1, 12))
    message = str(error.value)
    assert f"no file for 2025-01-04 (expected {tmp_path}/2025-01-04.csv)" in message
    assert "and 3 more days" in message
    assert "VIDEO_ASSETS_EVENTS" in message


def test_an_empty_file_of_a_day_is_a_day_without_events(tmp_path: Path) -> None:
    (tmp_path / "2025-01-03.csv").touch()
    assert names(list_files(f"{tmp_path}/{{date}}.csv", end_day=NEXT_DAY)) == ["2025-01-03.csv"]


@pytest.mark.parametrize("uri", ["nowhere", "nowhere.csv", "nowhere/*.csv", "empty"])
def test_a_source_without_files_is_refused_with_path_and_remedy(tmp_path: Path, uri: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"/" + uri.replace("*", r"\*") + r": .*Set VIDEO_ASSETS"):
        list_files(tmp_path / uri)


def test_a_source_of_empty_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.json").touch()
    with pytest.raises(SourceError, match="every file is empty"):
        list_files(tmp_path)


def test_a_run_without_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no day"):
        list_files(fill(tmp_path, "a.csv"), end_day=DAY)


def test_a_storage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SourceError, match=r"gopher:// is not supported.*s3://"):
        list_files("gopher://host/events")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.parquet", ("parquet", None)),
        ("a.json", ("json", None)),
        ("a.jsonl.gz", ("json", "gzip")),
        ("A.NDJSON", ("json", None)),
        ("a.csv", ("csv", None)),
        ("a.csv.gz", ("csv", "gzip")),
        ("a.csv.bz2", ("csv", "bz2")),
        ("a.json.zst", ("json", "zstd")),
    ],
)
def test_the_suffix_tells_the_format(
    tmp_path: Path, name: str, expected: tuple[str, str | None]
) -> None:
    (file,) = list_files(write(tmp_path / name.lower(), [EVENT])).files
    assert (file.format, file.compression) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (csv_bytes([EVENT]), ("csv", None)),
        (b"\xef\xbb\xbf\n " + json_bytes([EVENT]), ("json", None)),
        (gzip.compress(json_bytes([EVENT])), ("json", "gzip")),
        (gzip.compress(csv_bytes([EVENT])), ("csv", "gzip")),
        (bz2.compress(json_bytes([EVENT])), ("json", "bz2")),
        (pa.compress(json_bytes([EVENT]), "zstd", asbytes=True), ("json", "zstd")),
        (b"PAR1...", ("parquet", None)),
        (b"\x1f\x8bnot gzip", ("csv", "gzip")),
    ],
)
def test_the_content_tells_the_format_where_the_suffix_does_not(
    tmp_path: Path, content: bytes, expected: tuple[str, str | None]
) -> None:
    (tmp_path / "part-0000").write_bytes(content)
    (file,) = list_files(tmp_path).files
    assert (file.format, file.compression) == expected


def test_the_setting_overrides_suffix_and_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [EVENT])
    assert list_files(path, "json").files[0].format == "json"


def delta_table(folder: Path) -> Path:
    write_deltalake(str(folder), pa.Table.from_pylist([dict(EVENT)]))
    return folder


def test_a_folder_with_a_delta_log_is_one_delta_table(tmp_path: Path) -> None:
    table = delta_table(tmp_path / "table")
    listing = list_files(table)
    assert listing.delta == listing.files[0]
    assert listing.files[0].uri == str(table)
    assert listing.total_bytes > 0


def test_a_shallow_clone_is_as_large_as_the_files_that_it_names(tmp_path: Path) -> None:
    original = delta_table(tmp_path / "events")
    log = tmp_path / "clone" / "_delta_log"
    log.mkdir(parents=True)
    for commit in sorted((original / "_delta_log").glob("*.json")):
        text = commit.read_text().replace('"add":{"path":"', f'"add":{{"path":"file://{original}/')
        (log / commit.name).write_text(text)
    sizes = [path.stat().st_size for path in original.glob("*.parquet")]
    assert list_files(tmp_path / "clone").total_bytes == sum(sizes)


@pytest.mark.parametrize("uri", ["", "tab*", "*/*.parquet", "**/*.parquet"])
def test_the_files_of_a_delta_table_are_not_read_one_by_one(tmp_path: Path, uri: str) -> None:
    delta_table(tmp_path / "table")
    with pytest.raises(SourceError, match="name that folder itself"):
        list_files(f"{tmp_path}/{uri}")


def test_a_delta_table_by_day_is_refused(tmp_path: Path) -> None:
    delta_table(tmp_path / "2025-01-03")
    with pytest.raises(SourceError, match=r"without \{date\}"):
        list_files(f"{tmp_path}/{{date}}", end_day=NEXT_DAY)


def test_a_format_that_contradicts_a_delta_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a Delta table, but the format is set to csv"):
        list_files(delta_table(tmp_path / "table"), "csv")
    with pytest.raises(SourceError, match="is no Delta table"):
        list_files(fill(tmp_path / "plain", "a.csv"), "delta")


@pytest.mark.parametrize(
    ("template", "files"),
    [
        ("{date}", ("2025-01-03/a.csv", "2025-01-03/b/c.csv", "2024-12-31/a.csv")),
        ("x-{date:%Y%m%d}*.csv", ("x-20250103.csv", "x-20250103T04.csv", "x-20241231.csv")),
        ("{date:%Y}/{date:%m}/{date:%d}/*.csv", ("2025/01/03/a.csv", "2024/12/31/a.csv")),
        ("*/{date:%j-%Y}.csv", ("a/003-2025.csv", "b/003-2025.csv", "b/366-2024.csv")),
    ],
)
def test_all_files_of_a_template_are_found_with_their_days(
    template: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    fill(tmp_path, *files, "other/name.csv", "2025-13-77/a.csv", "x-2025010.csv")
    found = find_all(SourceConfig(f"{tmp_path}/{template}"))
    days = {str(Path(file.stored.location).relative_to(tmp_path)): file.day for file in found}
    assert days == {name: date(2024, 12, 31) if name_is_old(name) else DAY for name in files}


def name_is_old(name: str) -> bool:
    return "2024" in name


def test_a_source_without_files_has_none(tmp_path: Path) -> None:
    assert find_all(SourceConfig(f"{tmp_path}/{{date}}/*.csv")) == []
    assert find_all(SourceConfig(f"{tmp_path}/nothing")) == []


def test_a_file_is_another_version_once_it_is_written_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [EVENT])
    [before] = find_all(SourceConfig(str(tmp_path)))
    path.write_bytes(path.read_bytes())
    os.utime(path, (1, 1))
    [after] = find_all(SourceConfig(str(tmp_path)))
    assert before.version != after.version


def test_a_delta_table_has_the_version_of_its_newest_commit(tmp_path: Path) -> None:
    for _ in range(3):
        write_deltalake(tmp_path / "table", pa.table({"a": [1]}), mode="append")
    [found] = find_all(SourceConfig(str(tmp_path / "table")))
    assert found.version == "2"


def test_a_relative_path_that_is_not_there_says_where_it_and_the_settings_were_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where = f"looked for in {tmp_path}, and settings in the environment and {tmp_path}/.env"
    with pytest.raises(SourceError, match=where):
        list_files("data/events")
