"""The files of the report: the page, the lists of videos, and a page a video."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from resources.storage import delete_keys, join, list_keys, open_sink
from video_assets.report.addresses import LIST_FILE, LISTS, PAGE_FILE, VIDEOS, page_of
from video_assets.report.facts import Report
from video_assets.report.page import page
from video_assets.report.period_lists import PeriodList
from video_assets.report.video_facts import VideoDetail
from video_assets.report.video_list import Lists
from video_assets.report.video_page import video_page

# An object store answers after some ten milliseconds, whatever the size.
_WRITTEN_AT_ONCE = 16
_IN_MEMORY = 256

File = tuple[str, str]


def report_files(
    report: Report, details: Iterable[VideoDetail], found: Iterable[PeriodList]
) -> Iterator[File]:
    """Every file as its path below the report's folder and its text; the page comes last."""
    lists = Lists(report)
    for detail in details:
        yield page_of(detail.video.video_id), video_page(detail, report.written_at)
    for each in found:
        if file := lists.file_of(each.choice, each.filter):
            yield file, lists.of_period(each)
    yield LIST_FILE, lists.all_videos()
    yield PAGE_FILE, page(report)


def write_files(folder: str, files: Iterable[File]) -> dict[str, int]:
    """Write files, many at the same time.

    Pages of videos and lists that are not among them any more are deleted.

    Returns:
        The size of each file, in bytes.
    """
    sizes: dict[str, int] = {}
    left = iter(files)
    with ThreadPoolExecutor(_WRITTEN_AT_ONCE) as pool:
        while some := list(islice(left, _IN_MEMORY)):
            written = pool.map(lambda file: _written(folder, *file), some)
            sizes.update(zip((path for path, _ in some), written, strict=True))
    _delete_all_but(sizes, folder)
    return sizes


def _written(folder: str, path: str, text: str) -> int:
    content = text.encode()
    with open_sink(join(folder, path)) as sink:
        sink.write(content)
    return len(content)


def _delete_all_but(written: Iterable[str], folder: str) -> None:
    kept = set(written)
    for part in (VIDEOS, LISTS):
        below = join(folder, part)
        gone = [key for key in list_keys(below) if f"{part}/{key}" not in kept]
        if gone:
            delete_keys(below, gone)
