"""Where the files of the report lie, below its folder."""

import base64
import hashlib
from functools import lru_cache

from resources.storage import join

FOLDER = "report"
PAGE_FILE = "index.html"
LIST_FILE = "videos.html"
# Short, because a list of 10,000 videos names it as often.
VIDEOS = "v"
LISTS = "lists"
# 50 bits: of 10,000 videos two have one name once in 20 million reports.
_NAME_LENGTH = 10


def report_folder(warehouse: str) -> str:
    """Path or URI of the folder of the page and of what lies beside it."""
    return join(warehouse, FOLDER)


def report_location(warehouse: str, file: str = PAGE_FILE) -> str:
    """Path or URI of the page, or of another file beside it."""
    return join(warehouse, FOLDER, file)


def page_of(video_id: str) -> str:
    """The file of a video's page, relative to the list: the same in every report.

    An id may hold anything, and some file systems do not tell capitals from small letters.
    """
    return f"{VIDEOS}/{file_name(video_id)}.html"


# Each list of videos names most of the others' pages, too.
@lru_cache(maxsize=20_000)
def file_name(text: str) -> str:
    """A name for whatever text, without suffix: the same for the same text."""
    digest = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()
    return digest[:_NAME_LENGTH].lower()
