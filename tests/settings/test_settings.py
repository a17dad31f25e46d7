import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from video_assets.csv_dialect import CsvDialect
from video_assets.rules import WatchTimeRules
from video_assets.settings import (
    PREFIX,
    PREFIX_REPORTED,
    Settings,
    SettingsError,
    environment_name,
    load_settings,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)


def error_for(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_without_any_setting_the_defaults_of_the_contract_hold() -> None:
    settings = load_settings()
    assert settings.warehouse == "data/warehouse"
    assert settings.start_date.isoformat() == "2025-01-01"
    assert settings.engine == "sail"
    assert settings.rules == WatchTimeRules()


def test_a_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_SESSION_TIMEOUT", "600")
    assert load_settings().rules.session_timeout == 600


def test_a_setting_is_read_from_a_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VIDEO_ASSETS_FORWARD_SKIP=7.5\n")
    assert load_settings().rules.forward_skip == 7.5


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MAX_PLAYBACK_RATE", "fast", "valid number"),
        ("MAX_PLAYBACK_RATE", "0.5", "greater than or equal to 1"),
        ("SESSION_TIMEOUT", "-1", "greater than"),
        ("SESSION_TIMEOUT", "nan", "finite"),
        ("START_DATE", "2025-13-01", "month"),
        ("ENGINE", "flink", "'sail' or 'spark'"),
        ("EVENTS_FORMAT", "xml", "'parquet'"),
        ("EVENTS_TIMESTAMP_UNIT", "min", "'ns'"),
        ("EVENTS_TIME_ZONE", "Mars/Base", "IANA"),
        ("SPARK_REMOTE", "http://x", "sc://"),
        ("WAREHOUSE", "", "at least 1 character"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    message = error_for(monkeypatch, name, value)
    assert f"VIDEO_ASSETS_{name} = {value!r}" in message
    assert allowed in message


def test_a_misspelt_setting_is_refused_with_the_name_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = error_for(monkeypatch, "SESION_TIMEOUT", "60")
    assert "VIDEO_ASSETS_SESION_TIMEOUT is not a setting" in message
    assert "did you mean VIDEO_ASSETS_SESSION_TIMEOUT?" in message


def test_a_misspelt_setting_in_the_dotenv_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VIDEO_ASSETS_WAREHOUS=x\n")
    with pytest.raises(SettingsError, match="did you mean VIDEO_ASSETS_WAREHOUSE"):
        load_settings()


def test_other_programs_variables_in_the_dotenv_file_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AWS_REGION=eu-central-1\n")
    assert load_settings().warehouse == "data/warehouse"


def test_a_mapping_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "must be a JSON object" in error_for(monkeypatch, "EVENTS_COLUMNS", "ts=timestamp")


def test_a_mapping_onto_an_unknown_column_lists_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    message = error_for(monkeypatch, "EVENTS_COLUMNS", '{"ts": "time"}')
    assert "['time']" in message
    assert "'timestamp', 'userId'" in message


def test_several_source_columns_of_one_of_ours_count_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_EVENTS_COLUMNS", '{"b": "userId", "a": "userId"}')
    assert list(load_settings().events_columns) == ["b", "a"]


def test_a_dimension_has_one_path_or_several(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = '{"device": "context.device.type", "country": ["geo.country", "country"]}'
    monkeypatch.setenv("VIDEO_ASSETS_EVENTS_DIMENSIONS", paths)
    assert load_settings().events_dimensions == {
        "device": ("context.device.type",),
        "country": ("geo.country", "country"),
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('{"a device": "x"}', "names ['a device']; a name is made of letters"),
        ('{"device": []}', "gives ['device'] no path"),
        ('{"device": ""}', "gives ['device'] no path"),
        (json.dumps({f"d{n}": "x" for n in range(21)}), "names 21 dimensions; 20 at most"),
    ],
)
def test_dimensions_without_a_name_or_a_path_are_refused(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said in error_for(monkeypatch, "EVENTS_DIMENSIONS", value)


PLAN = {"control": "old", "split": {"old": 3, "new": 1}}


def test_the_shares_of_an_experiment_are_of_any_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_EVENTS_DIMENSIONS", '{"player": "player"}')
    monkeypatch.setenv("VIDEO_ASSETS_EXPERIMENTS", json.dumps({"player": PLAN}))
    assert load_settings().experiments["player"].shares == {"old": 0.75, "new": 0.25}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({**PLAN, "control": "none"}, "names no share of the control 'none'"),
        ({"control": "old", "split": {"old": 1}}, "compares the control with nothing"),
        ({"control": "old", "split": {"old": 1, "new": 0}}, "greater than 0"),
        ({"control": "old"}, "Field required"),
        (PLAN, "EXPERIMENTS has ['player'], which EVENTS_DIMENSIONS does not name"),
    ],
)
def test_an_experiment_needs_a_control_variants_and_a_dimension(
    plan: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said in error_for(monkeypatch, "EXPERIMENTS", json.dumps({"player": plan}))


def test_several_event_names_may_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_EVENT_NAMES", '{"start": "video_play", "go": "video_play"}')
    assert load_settings().event_names == {"start": "video_play", "go": "video_play"}


def test_tiers_must_be_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    message = error_for(monkeypatch, "TIER_LOW", "50")
    assert "tier_low (50.0) <= tier_medium (40.0)" in message


def test_a_session_cannot_reach_back_further_than_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    message = error_for(monkeypatch, "SESSION_TIMEOUT", "86000")
    assert "session_timeout + max_segment is 100400 s" in message


def test_an_empty_optional_setting_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_VIDEO_METADATA", "")
    monkeypatch.setenv("VIDEO_ASSETS_AS_OF_DATE", "")
    settings = load_settings()
    assert settings.video_metadata is None
    assert settings.as_of_date is None


def test_a_spark_url_needs_the_spark_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    message = error_for(monkeypatch, "SPARK_REMOTE", "sc://localhost:15002")
    assert "set engine to `spark`" in message


def test_an_alert_url_that_is_refused_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    message = error_for(monkeypatch, "ALERT_URLS", "token-without-scheme")
    assert "VIDEO_ASSETS_ALERT_URLS" in message
    assert "token-without-scheme" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPARK_REMOTE", "http://x/;token=s3cr3t"),
        ("SPARK_REMOTE", "http://me:s3cr3t@x"),
        ("SPARK_CONFIG", '{"spark.x": "s3cr3t"'),
        ("SPARK_CONFIG", '{"spark.x": ["s3cr3t"]}'),
        ("WAREHOUSE", "s3://key:s3cr3t@bucket/a"),
        ("EVENTS", "abfss://c@account.dfs.core.windows.net/a?sig=s3cr3t"),
        ("UI_URL", "https://me:s3cr3t@dagster.example.org"),
        ("USER_ID_KEY", "s3cr3t"),
        ("ERASURE_KEY", "s3cr3t"),
    ],
)
def test_a_secret_in_a_wrong_value_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    message = error_for(monkeypatch, name, value)
    assert f"VIDEO_ASSETS_{name}" in message
    assert "s3cr3t" not in message


def test_an_address_with_a_password_is_refused_with_the_place_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = error_for(monkeypatch, "WAREHOUSE", "s3://key:s3cr3t@bucket/a")
    assert "must hold no password" in message
    assert "AWS_*" in message


def test_a_warehouse_where_no_table_can_lie_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = error_for(monkeypatch, "WAREHOUSE", "ftp://host/tables")
    assert "VIDEO_ASSETS_WAREHOUSE" in message
    assert "the scheme ftp:// is not supported" in message


def test_how_csv_files_are_written_is_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    text = r'{"delimiter": "|", "nulls": ["\\N", "NULL"], "columns": ["a", "b"]}'
    monkeypatch.setenv("VIDEO_ASSETS_EVENTS_CSV", text)
    monkeypatch.setenv("VIDEO_ASSETS_DAILY_VIEWS_CSV", "")
    settings = load_settings()
    assert settings.events_csv == CsvDialect(
        delimiter="|", nulls=(r"\N", "NULL"), columns=("a", "b")
    )
    assert settings.daily_views_csv == CsvDialect()


@pytest.mark.parametrize(
    ("value", "part", "allowed"),
    [
        ('{"delimiter": "||"}', "delimiter = '||'", "at most 1 character"),
        ('{"separator": "|"}', "separator = '|'", "not permitted"),
        (r'{"delimiter": "\\"}', "delimiter", "no quote, backslash or line break"),
    ],
)
def test_what_is_wrong_with_a_csv_dialect_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, part: str, allowed: str
) -> None:
    message = error_for(monkeypatch, "EVENTS_CSV", value)
    assert message.startswith(f"VIDEO_ASSETS_EVENTS_CSV, {part}")
    assert allowed in message


@pytest.mark.parametrize(
    ("path", "works"),
    [
        ("in/{date:%Y/%m/%d/%H}", "'in/{date:%Y/%m/%d}/*'"),
        ("in/{date:%Y%m%d%H%M}.json", "'in/{date:%Y%m%d}*.json'"),
        ("s3://b/{date:%Y-%m-%dT%H}/*.gz", "'s3://b/{date:%Y-%m-%d}T*.gz'"),
        ("in/{date:%Y/%m}", "'in/{date:%Y/%m/%d}'"),
    ],
)
def test_a_pattern_that_no_day_fills_is_refused_with_the_one_that_works(
    monkeypatch: pytest.MonkeyPatch, path: str, works: str
) -> None:
    message = error_for(monkeypatch, "EVENTS", path)
    assert message.startswith(f"VIDEO_ASSETS_EVENTS = '{path}'")
    assert works in message


@pytest.mark.parametrize("path", ["in/{date}", "{date:%Y}/{date:%m}/{date:%d}", "{date:%Y-%j}.csv"])
def test_a_pattern_that_a_day_fills_is_taken(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_DAILY_VIEWS", path)
    assert load_settings().daily_views == path


def test_a_start_in_the_future_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_ASSETS_START_DATE", "2999-01-01")
    with pytest.raises(SettingsError, match="VIDEO_ASSETS_START_DATE = 2999-01-01 lies in the fut"):
        load_settings()


def test_a_setting_in_the_dotenv_file_that_lacks_the_prefix_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PREFIX_REPORTED, "")
    monkeypatch.delenv(PREFIX_REPORTED)
    (tmp_path / ".env").write_text("FORWARD_SKIP=7\nEDITOR=vi\n")
    for _ in range(2):
        assert load_settings().forward_skip == 5
    said = ".env: FORWARD_SKIP is not used, because names of settings begin with VIDEO_ASSETS_"
    assert [line for line in caplog.messages if "FORWARD_SKIP" in line] == [said]


_AS_DAGSTER_LOADS = """
import os
from dotenv import dotenv_values
os.environ.update(dotenv_values(".env"))
from video_assets.settings import load_settings
print(load_settings().forward_skip, load_settings().backward_skip)
"""


def test_a_setting_of_the_environment_that_dagster_put_aside_is_told_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "VIDEO_ASSETS_FORWARD_SKIP=7\nVIDEO_ASSETS_BACKWARD_SKIP=3\nVIDEO_ASSETS_MAX_SEGMENT=60\n"
    )
    (tmp_path / ".env").chmod(0o600)
    given = {"VIDEO_ASSETS_FORWARD_SKIP": "9", "VIDEO_ASSETS_BACKWARD_SKIP": "3"}
    done = subprocess.run(
        [sys.executable, "-c", _AS_DAGSTER_LOADS],
        cwd=tmp_path,
        env={**os.environ, **given, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "7.0 3.0\n"
    said = "VIDEO_ASSETS_FORWARD_SKIP: .env holds, not the environment, in commands of Dagster"
    assert done.stderr.splitlines() == [said]
