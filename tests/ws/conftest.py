"""Both ends of a WebSocket: one of ours, the other made of bytes (``raw_end.py``)."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aiohttp_ws import ClientSession, ClientWebSocketResponse, ClientWSTimeout, web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.interop.talk import Tls
from tests.ws.clock import clock as clock
from tests.ws.raw_end import PATIENCE, RawEnd, accept_raw, open_raw


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that waits for what never comes fails, instead of stopping the run."""

    def bounded(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(test)
        async def run(*args: Any, **kwargs: Any) -> None:
            await asyncio.wait_for(test(*args, **kwargs), 2 * PATIENCE)

        return run

    for item in items:
        if (
            isinstance(item, pytest.Function)
            and Path(__file__).parent in item.path.parents
            and inspect.iscoroutinefunction(item.obj)
        ):
            item.obj = bounded(item.obj)


@dataclass
class Ends:
    """A connection: ``ws`` is ours, a WebSocketResponse or its client twin; ``peer`` is raw."""

    ws: Any
    peer: RawEnd
    side: str


Open = Callable[..., Awaitable[Ends]]


@pytest.fixture
async def open_server(aiohttp_server: AiohttpServer) -> AsyncIterator[Open]:
    """``await open_server(**kwargs)``: our server, made with *kwargs*, and a raw client.

    The handler itself only sleeps: the test works with its WebSocketResponse, and what must
    happen without the handler has to happen without it.
    """
    test_is_over = asyncio.Event()

    async def open_ends(
        *,
        close_timeout: float | None = None,
        deflate: bool = False,
        tls: Tls | None = None,
        **kwargs: Any,
    ) -> Ends:
        opened: asyncio.Future[web.WebSocketResponse] = asyncio.Future()

        async def handler(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse(**kwargs)
            await ws.prepare(request)
            opened.set_result(ws)
            await test_is_over.wait()
            return ws

        if close_timeout is not None:
            kwargs["timeout"] = close_timeout
        kwargs["compress"] = deflate
        app = web.Application()
        app.router.add_get("/", handler)
        server = await aiohttp_server(app, shutdown_timeout=0.1, ssl=tls and tls.server)
        assert server.port is not None
        headers = [("Sec-WebSocket-Extensions", "permessage-deflate")] if deflate else []
        peer, _ = await open_raw(server.host, server.port, headers=headers, tls=tls and tls.client)
        peers.append(peer)
        return Ends(await asyncio.wait_for(opened, PATIENCE), peer, "server")

    peers: list[RawEnd] = []
    yield open_ends
    for peer in peers:
        peer.writer.transport.abort()
    test_is_over.set()


@pytest.fixture
async def open_client() -> AsyncIterator[Open]:
    """``await open_client(**kwargs)``: a raw server, and our client, made with *kwargs*."""
    peers: list[RawEnd] = []
    servers: list[asyncio.Server] = []
    kept: list[ClientWebSocketResponse] = []  # A forgotten one is closed, with a warning.
    session = ClientSession()

    async def open_ends(
        *,
        close_timeout: float = 10.0,
        receive_timeout: float | None = None,
        deflate: bool = False,
        tls: Tls | None = None,
        **kwargs: Any,
    ) -> Ends:
        opened: asyncio.Future[RawEnd] = asyncio.Future()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            headers = [("Sec-WebSocket-Extensions", "permessage-deflate")] if deflate else []
            peer, _ = await accept_raw(reader, writer, headers=headers)
            opened.set_result(peer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls and tls.server)
        servers.append(server)
        port = server.sockets[0].getsockname()[1]
        timeout = ClientWSTimeout(ws_close=close_timeout, ws_receive=receive_timeout)
        ws = await session.ws_connect(
            f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/",
            timeout=timeout,
            compress=15 if deflate else 0,
            ssl=tls.client if tls else True,
            **kwargs,
        )
        kept.append(ws)
        peer = await asyncio.wait_for(opened, PATIENCE)
        peers.append(peer)
        return Ends(ws, peer, "client")

    yield open_ends
    for peer in peers:
        peer.writer.transport.abort()
    for server in servers:
        server.close()
    await session.close()


@pytest.fixture(params=["server", "client"])
def open_end(request: pytest.FixtureRequest) -> Open:
    """``open_server`` and ``open_client`` in turn: the promise holds at either end."""
    return request.getfixturevalue(f"open_{request.param}")  # type: ignore[no-any-return]
