"""The embedded engine's server, reachable from this process alone.

Sail runs any code of whoever reaches its port, asks for no token and offers no Unix socket: every
user of the machine could run code as the owner. So the kernel drops, by a filter on the listening
socket, whatever does not come from a source port that this process holds; and the client comes
through a Unix socket whose other end the kernel says to be this very process.
"""

import ctypes
import logging
import os
import secrets
import select
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from resources.engine.arenas import limit_arenas
from resources.engine.compute_slots import available_cores

Address = tuple[str, int]

_LOG = logging.getLogger(__name__)
_LOOPBACK = "127.0.0.1"
_COPIED_AT_ONCE = 256 * 1024
_CONNECT_SECONDS = 10.0
_PROBE_SECONDS = 0.02
_CUTS = 100

# Linux, socket(7) and /proc/net/tcp.
_SO_ATTACH_FILTER = 26
_PEER_CREDENTIALS = struct.Struct("3i")
_LOCAL, _REMOTE, _STATE, _USER = 1, 2, 3, 7
_OPEN = ("01", "03")  # established, and about to be

# The kernel's classic packet filter: (operation, jump if true, jump if false, operand).
_LOAD_WORD, _LOAD_HALF, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x28, 0x15, 0x06
_SOURCE_ADDRESS = (-0x100000 + 12) & 0xFFFFFFFF  # of the IP header
_SOURCE_PORT = 0  # of the TCP header
_DROP, _PASS = (_RETURN, 0, 0, 0), (_RETURN, 0, 0, 0xFFFFFFFF)


class DoorError(RuntimeError):
    """Somebody else reached the engine before its door was shut."""


@cache
def embedded_server() -> str:
    """Where gRPC finds the embedded server, which starts at the first call.

    Raises:
        DoorError: another process connected in the instant in which the server started.
    """
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer  # noqa: PLC0415 (only this engine needs it)

    limit_arenas(available_cores())
    server = SparkConnectServer()
    server.start(background=True)
    _servers.append(server)
    address: Address = server.listening_address
    if sys.platform == "linux":
        door = Door.of(address)
        door.shut()
        if door.holds():
            return _through(door)
    _LOG.warning(
        "the embedded engine listens on %s:%d, and this system cannot keep other users of the "
        "machine out: they could run code as you. Use it on a machine of your own.",
        *address,
    )
    return f"{address[0]}:{address[1]}"


# A server stops when nothing refers to it any more.
_servers: list[Any] = []


@dataclass
class Door:
    """Lets connections of this process in, and no others.

    Attributes:
        address: where the server listens.
        listener: its listening socket.
    """

    address: Address
    listener: socket.socket
    _ports: set[int] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, address: Address) -> "Door":
        """The door, still open, of a server of this process."""
        return cls(address, _listener_at(address))

    def shut(self) -> None:
        """Drop whatever comes from now on, and make sure that nobody came before.

        Raises:
            DoorError: somebody did; the connection is cut.
        """
        self._admit(set())
        users = sorted(
            {row[_USER] for row in _connections() if row[_REMOTE] == _named(self.address)}
        )
        if not users:
            return
        self._cut()
        raise DoorError(
            "another process on this machine connected to the embedded engine while it started "
            f"(user ids: {', '.join(users)}). It was cut off, and nothing was computed. Find out "
            "who it is, and start again."
        )

    def holds(self) -> bool:
        """Whether this system's kernel really drops what the filter refuses."""
        with socket.socket() as stranger:
            stranger.settimeout(0)
            with suppress(BlockingIOError):
                stranger.connect(self.address)
            return not select.select([], [stranger], [], _PROBE_SECONDS)[1]

    def enter(self) -> socket.socket:
        """A connection to the server; nobody else can have its source address and port."""
        inside = socket.socket()
        inside.bind((_LOOPBACK, 0))
        with self._lock:
            self._admit({*self._ports, inside.getsockname()[1]})
        inside.settimeout(_CONNECT_SECONDS)
        try:
            inside.connect(self.address)
        except OSError:
            self.leave(inside)
            raise
        inside.settimeout(None)
        return inside

    def leave(self, inside: socket.socket) -> None:
        """Close a connection; its port is free for others only when it opens no door any more."""
        with self._lock:
            self._admit(self._ports - {inside.getsockname()[1]})
        inside.close()

    def _cut(self) -> None:
        """End the connections that are there, also those that the server takes only now."""
        for _ in range(_CUTS):
            if not any(row[_LOCAL] == _named(self.address) for row in _connections()):
                return
            for connection in _sockets():
                with closing(connection), suppress(OSError):
                    if connection.getsockname() == self.address and not _listens(connection):
                        connection.shutdown(socket.SHUT_RDWR)
            time.sleep(_PROBE_SECONDS)

    def _admit(self, ports: set[int]) -> None:
        checks = [
            check for port in sorted(ports) for check in ((_JUMP_IF_EQUAL, 0, 1, port), _PASS)
        ]
        home = int.from_bytes(socket.inet_aton(_LOOPBACK))
        program = [
            (_LOAD_WORD, 0, 0, _SOURCE_ADDRESS),
            (_JUMP_IF_EQUAL, 1, 0, home),
            _DROP,
            (_LOAD_HALF, 0, 0, _SOURCE_PORT),
            *checks,
            _DROP,
        ]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
        filter_ = struct.pack("HL", len(program), ctypes.addressof(code))
        with suppress(OSError):  # no such filter here: `holds` says so
            self.listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
        self._ports = ports


def _through(door: Door) -> str:
    """A way through the door for gRPC, which cannot choose its source port."""
    name = f"video_assets_{secrets.token_hex(16)}"
    outside = socket.socket(socket.AF_UNIX)
    outside.bind(f"\0{name}")
    outside.listen()
    Thread(target=_keep_door, args=(outside, door), name=name, daemon=True).start()
    return f"unix-abstract:{name}"


def _keep_door(outside: socket.socket, door: Door) -> None:
    while True:
        try:
            client, _ = outside.accept()
        except OSError:  # no file handle is left: another moment
            time.sleep(_PROBE_SECONDS)
            continue
        if _process_of(client) == os.getpid():
            Thread(target=_forward, args=(client, door), daemon=True).start()
        else:
            client.close()


def _process_of(client: socket.socket) -> int:
    """The process at the other end, by the word of the kernel."""
    size = _PEER_CREDENTIALS.size
    process, _, _ = _PEER_CREDENTIALS.unpack(
        client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return int(process)


def _forward(client: socket.socket, door: Door) -> None:
    with closing(client), suppress(OSError):
        inside = door.enter()
        answers = Thread(target=_copy, args=(inside, client), daemon=True)
        answers.start()
        _copy(client, inside)
        answers.join()
        door.leave(inside)


def _copy(source: socket.socket, target: socket.socket) -> None:
    buffer = memoryview(bytearray(_COPIED_AT_ONCE))
    with suppress(OSError):
        while count := source.recv_into(buffer):
            target.sendall(buffer[:count])
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _listener_at(address: Address) -> socket.socket:
    for found in _sockets():
        with suppress(OSError):
            if _listens(found) and found.getsockname() == address:
                return found
        found.close()
    raise DoorError(f"the embedded engine does not listen on {address}. Start again.")


def _listens(connection: socket.socket) -> bool:
    return bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _sockets() -> Iterator[socket.socket]:
    """The Internet sockets of this process, as duplicates to be closed."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (names alone)
        with suppress(OSError):  # closed meanwhile
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found = socket.socket(fileno=os.dup(int(name)))
                if found.family == socket.AF_INET:
                    yield found
                else:
                    found.close()


def _connections() -> list[list[str]]:
    """The connections of this machine in which anything can be said, a row for each end."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return [row for row in rows if row[_STATE] in _OPEN]


def _named(address: Address) -> str:
    """An address as the kernel lists it."""
    return f"{socket.inet_aton(address[0])[::-1].hex().upper()}:{address[1]:04X}"
