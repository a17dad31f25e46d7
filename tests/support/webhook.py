"""A webhook that listens on this machine, can be down, and remembers what it was told."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "s3cr3t-T0ken"  # noqa: S105 (a token that must appear nowhere)


@dataclass
class Webhook:
    """What was received, and how it answers."""

    port: int
    status: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address as Apprise takes it, with a secret in the path and one before the host."""
        return f"json://user:{TOKEN}-pw@127.0.0.1:{self.port}/{TOKEN}/hook?rto=2&cto=2"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.received]

    @property
    def bodies(self) -> str:
        return "\n\n".join(message["message"] for message in self.received)


@contextmanager
def listening(webhook: Webhook) -> Iterator[Webhook]:
    """The webhook, as long as it is up."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if webhook.status < 300:
                webhook.received.append(json.loads(body))
            self.send_response(webhook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", webhook.port), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
