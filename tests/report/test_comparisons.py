"""What the report compares: sessions by dimension, and the variants of experiments."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.html_pages import parsed
from support.report_facts import DEVICES, HOSTILE, TRIAL, full_report
from support.samples import make_sample
from support.world import TABLES, world

from video_assets.analytics.tables import (
    ANALYTICS_TABLES,
    DAILY_ANALYTICS_TABLES,
    DIMENSION_DAILY,
    EXPERIMENT_RESULTS,
)
from video_assets.report.addresses import report_location
from video_assets.report.assets import KEY
from video_assets.report.comparisons import groups, longest, outcomes, verdict
from video_assets.report.page import page
from video_assets.settings import load_settings

SPACE = "\u202f"


def test_groups_are_compared_by_their_sessions() -> None:
    columns, rows = groups(DEVICES)
    assert columns[0] == "Device"
    assert rows[0] == ("computer", "100", "5:00", f"25{SPACE}%", f"10{SPACE}%")
    assert longest(DEVICES).startswith("Sessions with “computer” last 5:00, those with “<script>")
    assert longest(DEVICES).endswith(f"2:30 (\u221250{SPACE}%).")
    assert longest(replace(DEVICES, groups=DEVICES.groups[:1])).startswith("All sessions")


def test_a_variant_is_said_to_raise_and_to_lower_what_is_sure() -> None:
    assert verdict(TRIAL) == (
        "“5.0” raises viewers who complete a video and lowers watch time per viewer: "
        "1,000 viewers beside 990 of “4.2”."
    )
    _, rows = outcomes(TRIAL)
    assert rows[0] == (
        "Watch time per viewer",
        "1:40",
        "1:30",
        "\u22120:10",
        "\u22120:20 to +0:01",
        "yes",
    )
    assert rows[1][1:4] == (f"30{SPACE}%", f"40{SPACE}%", "+10.0 points")
    assert rows[2][-1] == "no; 4.0 points would be found"


def test_nothing_is_claimed_where_nothing_is_sure() -> None:
    unsure = tuple(replace(each, is_different=False) for each in TRIAL.outcomes)
    assert "shows no difference yet" in verdict(replace(TRIAL, outcomes=unsure))
    assert "not the planned split" in verdict(replace(TRIAL, split_fits=False))
    assert "Nobody had" in verdict(replace(TRIAL, split_fits=None))
    assert "3 viewers of several variants left out" in verdict(replace(TRIAL, of_several=3))


def test_variants_are_text_whatever_is_in_them() -> None:
    trial = replace(TRIAL, experiment="player", variant=HOSTILE, control=HOSTILE)
    html = page(replace(full_report(), trials=(trial,)))
    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_without_dimensions_the_page_has_no_such_section() -> None:
    report = replace(full_report(), choices=(), trials=())
    assert "compared" not in parsed(page(report)).with_attribute("id")


def test_the_page_shows_what_the_tables_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = load_settings().model_dump(include={"events_dimensions", "experiments"})
    sample = make_sample(tmp_path / "sample", events=4_000, days=2, users=60, videos=5)
    sources = {
        "events": str(sample.folder / "events"),
        "video_metadata": str(sample.folder / "video_metadata.parquet"),
    }
    with world(tmp_path / "warehouse", **sources, **named) as filled:
        first, last = sample.spec.event_days
        filled.compute(first, last, tables=(*TABLES, *DAILY_ANALYTICS_TABLES))
        filled.run(tables=ANALYTICS_TABLES)
        job = filled.definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=filled.instance, asset_selection=[KEY]).success
        text = parsed(Path(report_location(filled.settings.warehouse)).read_text("utf-8")).text
        sessions: Counter[tuple[str, str]] = Counter()
        for row in filled.rows(DIMENSION_DAILY):
            sessions[row["dimension"], row["value"]] += row["sessions"]
        [viewers] = {
            row["viewers"] for row in filled.rows(EXPERIMENT_RESULTS) if not row["isControl"]
        }
    assert {dimension for dimension, _ in sessions} == {"device", "player"}
    for (_, value), count in sessions.items():
        assert f"{value} {count:,} " in " ".join(text.split())
    assert f"{viewers} viewers beside" in text
