"""The YouTube Data API as far as `videos.list` goes, on loopback, with faults to order."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from resources.view_counts.youtube import YouTubeViewCounts

API_KEY = "AIzaVerySecretKeyOfTheTests"


@dataclass(frozen=True)
class Reply:
    """One answer as sent: any status, body and headers, after a delay, maybe byte by byte.

    Headers that drip come byte by byte and never end.
    """

    status: int = 200
    body: bytes | Mapping[str, Any] = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    seconds_per_byte: float = 0.0
    hang_up: bool = False
    headers_drip: bool = False

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Call:
    """One request as received."""

    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    at: float

    @property
    def ids(self) -> list[str]:
        return self.query["id"][0].split(",")


@dataclass
class Api:
    """What the server knows, answers next, and has seen."""

    counts: dict[str, str | None] = field(default_factory=dict)
    knows_every_id: bool = False
    delay: float = 0.0
    replies: deque[Reply] = field(default_factory=deque)
    calls: list[Call] = field(default_factory=list)
    base_url: str = ""
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def source(self, **settings: Any) -> YouTubeViewCounts:
        """A client of this server that loses no time between tries."""
        quick = {"first_wait": 0.01, "max_wait": 0.05, "read_seconds": 2.0, "api_key": API_KEY}
        return YouTubeViewCounts(base_url=self.base_url, **{**quick, **settings})

    def answer(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            if self.replies:
                return self.replies.popleft()
        known = call.ids if self.knows_every_id else [i for i in call.ids if i in self.counts]
        return Reply(body={"items": [self._item(i) for i in known]}, delay=self.delay)

    def _item(self, video_id: str) -> dict[str, Any]:
        count = self.counts.get(video_id, "7")
        return {"id": video_id, "statistics": {} if count is None else {"viewCount": count}}

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1


def refusal(status: int, reason: str, message: str = "no", **details: Any) -> Reply:
    """A refusal in the API's own error format."""
    error = {"code": status, "message": message, **details}
    if reason:
        error["errors"] = [{"message": message, "domain": "youtube", "reason": reason}]
    return Reply(status, {"error": error})


@contextmanager
def youtube_server() -> Iterator[Api]:
    """The server, until the block ends."""
    api = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    api.base_url = f"http://127.0.0.1:{server.server_port}/youtube/v3"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            call = Call(url.path, parse_qs(url.query), dict(self.headers), time.monotonic())
            with api.under_way():
                reply = api.answer(call)
                time.sleep(reply.delay)
            if reply.hang_up:
                self.close_connection = True
                return
            try:
                self._send(reply)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _send(self, reply: Reply) -> None:
            while reply.headers_drip:
                for byte in b"HTTP/1.1 200 OK\r\nX-A: ":
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.seconds_per_byte)
            self.send_response(reply.status)
            for name, value in {"Content-Length": len(reply.content), **reply.headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            step = 1 if reply.seconds_per_byte else max(1, len(reply.content))
            for start in range(0, len(reply.content), step):
                self.wfile.write(reply.content[start : start + step])
                time.sleep(reply.seconds_per_byte)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
            pass

    return Handler
