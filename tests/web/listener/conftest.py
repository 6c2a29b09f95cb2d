"""A server with one handler, and raw clients of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpServer
from aiohttp_ws.test_utils import TestServer
from tests.web.listener.echo import Connect, Handler, Serve
from tests.ws.raw_end import RawEnd, open_raw


@pytest.fixture
def serve(aiohttp_server: AiohttpServer) -> Serve:
    async def serve_handler(
        handler: Handler, *middlewares: Any, prepare: Any = None, **options: Any
    ) -> TestServer:
        app = web.Application(middlewares=middlewares)
        app.router.add_route("*", "/", handler)
        if prepare is not None:
            app.on_response_prepare.append(prepare)
        return await aiohttp_server(app, **options)

    return serve_handler


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """``await connect(server)`` gives a raw client and the answer's headers."""
    peers: list[RawEnd] = []

    async def open_peer(server: TestServer, **kwargs: Any) -> tuple[RawEnd, dict[str, str]]:
        assert server.port is not None
        peer, answer = await open_raw(server.host, server.port, **kwargs)
        peers.append(peer)
        return peer, answer

    yield open_peer
    # Before the server closes, which would wait for their part of the closing handshake.
    for peer in peers:
        peer.writer.transport.abort()
