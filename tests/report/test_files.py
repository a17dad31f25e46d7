"""The files of the report: written whole, and gone with their videos."""

from dataclasses import replace
from pathlib import Path

from support.report_facts import detail, empty_report, full_report, video

from video_assets.report.addresses import LISTS, VIDEOS, page_of
from video_assets.report.files import report_files, write_files


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_pages_and_lists_that_are_not_made_any_more_are_deleted(tmp_path: Path) -> None:
    first, second = (f"{VIDEOS}/{name}.html" for name in ("first", "second"))
    files = [(first, "one"), (second, "zwölf"), (f"{LISTS}/7.html", "seven"), ("index.html", "")]
    written = write_files(str(tmp_path), files)
    assert written == {first: 3, second: 6, f"{LISTS}/7.html": 5, "index.html": 0}
    assert files_below(tmp_path) == set(written)
    assert (tmp_path / second).read_text("utf-8") == "zwölf"
    write_files(str(tmp_path), [(second, "2"), ("index.html", "new")])
    assert files_below(tmp_path) == {second, "index.html"}


def test_the_list_leads_to_a_page_of_each_video() -> None:
    videos = (video(0), video(1))
    report = replace(empty_report(), videos=videos)
    files = dict(report_files(report, map(detail, videos), ()))
    assert list(files) == [
        *(page_of(each.video_id) for each in videos),
        "videos.html",
        "index.html",
    ]
    assert all(f"<a href={page_of(each.video_id)}>" in files["videos.html"] for each in videos)


def test_ten_thousand_videos_do_not_make_the_page_larger() -> None:
    few = full_report()
    many = replace(few, videos=few.videos * 1_000)
    [*_, (_, page_of_few)] = report_files(few, (), ())
    [*_, (_, page_of_many)] = report_files(many, (), ())
    assert len(page_of_many.encode()) == len(page_of_few.encode()) < 2_000_000
