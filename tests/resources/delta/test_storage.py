from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.storage import (
    LocationError,
    StorageError,
    StoredFile,
    delete_keys,
    find,
    join,
    list_keys,
    native_file,
    normalized,
    open_sink,
    plain_location,
    provider,
    storage_options,
    walk,
)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/data/x/", "/data/x"),
        ("file:///data/a%20b", "/data/a b"),
        ("s3://bucket/x/", "s3://bucket/x"),
        ("abfss://c@a.dfs.core.windows.net/x", "abfss://c@a.dfs.core.windows.net/x"),
    ],
)
def test_a_location_has_one_spelling(location: str, expected: str) -> None:
    assert normalized(location) == expected


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert normalized("data/warehouse") == f"{tmp_path}/data/warehouse"


def test_the_home_of_the_user_may_be_abbreviated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/peter")
    assert normalized("~/data") == "/home/peter/data"


def test_tables_need_a_storage_that_can_be_written() -> None:
    with pytest.raises(LocationError, match=r"https:// is not supported.*s3://"):
        provider("https://host/x")


def test_an_unknown_scheme_is_refused_with_those_that_work() -> None:
    with pytest.raises(LocationError, match=r"hdfs:// is not supported.*s3://"):
        normalized("hdfs://host/x")


@pytest.mark.parametrize(
    ("location", "expected"),
    [("x", "local"), ("s3://b/x", "s3"), ("abfss://c@a/x", "azure"), ("gs://b/x", "gcs")],
)
def test_the_provider_follows_from_the_scheme(location: str, expected: str) -> None:
    assert provider(location) == expected


def test_parts_are_joined_below_the_root() -> None:
    assert join("s3://bucket/root/", "video", "sessions") == "s3://bucket/root/video/sessions"


def test_options_come_from_the_environment_of_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    assert storage_options("s3://bucket")["AWS_REGION"] == "eu-central-1"
    assert "AZURE_STORAGE_ACCOUNT_NAME" not in storage_options("s3://bucket")
    assert storage_options("/local") == {}


@pytest.mark.parametrize("name", ["plain", "sp ace", "100% ü", "a%20b", "[x] #1?"])
def test_objects_are_written_listed_read_and_deleted_under_any_name(
    tmp_path: Path, name: str
) -> None:
    root = f"{tmp_path}/{name}"
    with open_sink(f"{root}/{name}.bin") as sink:
        sink.write(b"hello")
    assert (Path(root) / f"{name}.bin").read_bytes() == b"hello"
    assert list(list_keys(root)) == [f"{name}.bin"]
    stored = find(f"{root}/{name}.bin")
    assert stored is not None
    assert (stored.location, stored.size) == (f"{root}/{name}.bin", len(b"hello"))
    assert stored.modified is not None
    assert stored.version != ""
    assert list(walk(root)) == [stored]
    assert StoredFile(stored).read() == b"hello"
    delete_keys(root, [f"{name}.bin", "gone already"])
    assert list(list_keys(root)) == []


def test_a_large_object_counts_its_bytes(tmp_path: Path) -> None:
    block = b"x" * 3_000_000
    with open_sink(tmp_path / "large") as sink:
        for _ in range(5):
            sink.write(block)
    assert sink.size == sink.tell() == (tmp_path / "large").stat().st_size == 15_000_000


def test_a_parquet_file_is_read_through_a_source(tmp_path: Path) -> None:
    rows = pa.table({"n": list(range(100_000))})
    pq.write_table(rows, tmp_path / "x.parquet", row_group_size=1000)
    stored = find(str(tmp_path / "x.parquet"))
    assert stored
    with StoredFile(stored) as source, pq.ParquetFile(source) as file:
        assert file.read_row_group(42)["n"].to_pylist() == list(range(42_000, 43_000))


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="none: is not there any more"):
        native_file(str(tmp_path / "none"))


def test_an_object_is_not_there_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with open_sink(tmp_path / "half") as sink:
            sink.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not (tmp_path / "half").exists()


def test_a_folder_that_is_not_there_has_no_keys(tmp_path: Path) -> None:
    assert list(list_keys(tmp_path / "nothing")) == []


def test_in_a_folder_that_is_not_there_nothing_is_left_to_delete(tmp_path: Path) -> None:
    delete_keys(tmp_path / "nothing", ["a.parquet"])


def test_a_path_with_special_characters_has_a_plain_link(tmp_path: Path) -> None:
    special = tmp_path / "wä 100%25"
    link = plain_location(special)
    assert link == plain_location(special)
    special.mkdir()
    assert Path(link).samefile(special)


def test_plain_paths_and_uris_need_no_link(tmp_path: Path) -> None:
    assert plain_location(tmp_path) == str(tmp_path)
    assert plain_location("s3://bucket/a b") == "s3://bucket/a b"
