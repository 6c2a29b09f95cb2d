"""Servers of threads, of this library and of websockets, and ends that are connected."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from aiohttp_ws.websockets import exceptions
from aiohttp_ws.websockets.sync.client import connect
from aiohttp_ws.websockets.sync.server import serve
from tests.peers import import_peer
from tests.websockets.reference import RELEASE

theirs = import_peer("websockets")
their_client = importlib.import_module("websockets.sync.client")
their_server = importlib.import_module("websockets.sync.server")

OURS = SimpleNamespace(serve=serve, connect=connect, exceptions=exceptions)
THEIRS = SimpleNamespace(
    serve=their_server.serve, connect=their_client.connect, exceptions=theirs.exceptions
)
# With it connect() returns a connection; before websockets 17 it always did.
AS_CONNECTION = {"legacy": True} if RELEASE >= 17 else {}
# (server, client), ours on one side at least.
SIDES = {
    "ours": (OURS, OURS),
    "their client": (OURS, THEIRS),
    "their server": (THEIRS, OURS),
}


def echo(connection: Any) -> None:
    for message in connection:
        connection.send(message)


@contextlib.contextmanager
def running(server: Any) -> Iterator[Any]:
    """Have a server serve in a thread until the end."""
    thread = threading.Thread(target=server.serve_forever)
    with server:
        thread.start()
        yield server
    thread.join(10)
    assert not thread.is_alive()


def url_of(server: Any, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{server.socket.getsockname()[1]}/"


@contextlib.contextmanager
def serving(
    handler: Any = echo, library: Any = OURS, scheme: str = "ws", **settings: Any
) -> Iterator[str]:
    """Serve, and give the URI."""
    with running(library.serve(handler, "127.0.0.1", 0, **settings)) as server:
        yield url_of(server, scheme)


@contextlib.contextmanager
def connected(role: str, *, our: Any = None, their: Any = None) -> Iterator[tuple[Any, Any]]:
    """Give ``(ours, theirs)``, two ends of one connection; ours is the *role*."""
    libraries = (OURS, THEIRS) if role == "server" else (THEIRS, OURS)
    given = (our or {}, their or {}) if role == "server" else (their or {}, our or {})
    accepted: list[Any] = []
    there = threading.Event()

    def handler(connection: Any) -> None:
        accepted.append(connection)
        there.set()
        done.wait()

    done = threading.Event()
    with running(libraries[0].serve(handler, "127.0.0.1", 0, **given[0])) as server:
        try:
            with libraries[1].connect(url_of(server), **AS_CONNECTION, **given[1]) as client:
                assert there.wait(10)
                yield (accepted[0], client) if role == "server" else (client, accepted[0])
        finally:
            done.set()
