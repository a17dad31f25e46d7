"""The embedded engine's door, tried by other processes and by another user of the machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession
from support.engine import only_embedded

from resources.engine.embedded_server import (
    Door,
    DoorError,
    _servers,
    embedded_server,
)

SOMEBODY = 65534
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
TRY = """
import os, socket, sys
user, family, place, greeting = int(sys.argv[1]), *sys.argv[2:]
os.setuid(user)
with socket.socket(getattr(socket, family)) as client:
    client.settimeout(1)
    host, _, port = place.rpartition(":")
    try:
        client.connect((host, int(port)) if family == "AF_INET" else "\\0" + place)
        client.sendall(bytes.fromhex(greeting))
        print("answered" if client.recv(100) else "cut off")
    except OSError as error:
        print(type(error).__name__)
"""

by_each_user = pytest.mark.parametrize(
    "user",
    [
        pytest.param(os.getuid(), id="the owner"),
        pytest.param(
            SOMEBODY,
            id="somebody else",
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user"),
        ),
    ],
)


def tried(user: int, family: str, place: str) -> str:
    """What another process of a user gets that speaks to a server."""
    command = [sys.executable, "-c", TRY, str(user), family, place, GREETING.hex()]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def server() -> Iterator[SparkConnectServer]:
    """Sail as it comes, with its door open."""
    server = SparkConnectServer()
    server.start(background=True)
    yield server
    server.stop()


@pytest.fixture
def door(server: SparkConnectServer) -> Iterator[Door]:
    door = Door.of(server.listening_address)
    yield door
    door.listener.close()


@by_each_user
def test_without_a_door_anybody_reaches_the_engine(server: SparkConnectServer, user: int) -> None:
    assert tried(user, "AF_INET", "{}:{}".format(*server.listening_address)) == "answered"


@only_embedded("it is the embedded engine's door")
@by_each_user
def test_the_engine_answers_no_other_process(spark: SparkSession, user: int) -> None:
    assert spark.range(3).count() == 3
    (server,) = _servers
    assert tried(user, "AF_INET", "{}:{}".format(*server.listening_address)) == "TimeoutError"


@only_embedded("it is the embedded engine's door")
@by_each_user
def test_the_way_in_is_for_this_process_alone(spark: SparkSession, user: int) -> None:
    kind, _, name = embedded_server().partition(":")
    assert kind == "unix-abstract"
    assert tried(user, "AF_UNIX", name) in ("cut off", "ConnectionResetError", "BrokenPipeError")
    assert spark.range(3).count() == 3


def test_who_came_before_the_door_was_shut_is_cut_off(door: Door) -> None:
    with socket.create_connection(door.address, timeout=5) as stranger:
        with pytest.raises(DoorError, match=rf"user ids: {os.getuid()}\b"):
            door.shut()
        while stranger.recv(100):  # what the engine said before
            pass


def test_each_connection_opens_the_door_for_itself_only(door: Door) -> None:
    door.shut()
    assert door.holds()
    first, second = door.enter(), door.enter()
    assert door.holds()
    for connection in (first, second):
        connection.sendall(GREETING)
        assert connection.recv(1)
        door.leave(connection)
    assert door.holds()
