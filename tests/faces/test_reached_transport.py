"""Programs for aiohttp reach a WebSocket's transport through attributes that are private there.

What is promised holds for aiohttp too, which the tests run with as well.
"""

import asyncio
import importlib
from types import ModuleType
from typing import Any

import pytest

import aiohttp_ws
import aiohttp_ws.test_utils
from tests.peers import import_peer


@pytest.fixture(params=["aiohttp_ws", "aiohttp"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "aiohttp_ws":
        return aiohttp_ws
    library = import_peer("aiohttp")
    importlib.import_module("aiohttp.test_utils")
    return library


async def test_addresses_are_those_of_the_socket(library: Any) -> None:
    seen = []

    async def handler(request: Any) -> Any:
        ws = library.web.WebSocketResponse()
        assert ws._writer is None
        await ws.prepare(request)
        seen.append(ws._writer.transport.get_extra_info("peername"))
        await ws.send_str("seen")
        await ws.receive()
        return ws

    app = library.web.Application()
    app.router.add_get("/", handler)
    async with (
        library.test_utils.TestClient(library.test_utils.TestServer(app)) as client,
        client.ws_connect("/") as ws,
    ):
        assert await ws.receive_str() == "seen"
        for reached in (ws._conn, ws._writer, ws._conn.protocol):
            assert reached.transport.get_extra_info("sockname") == seen[0]
        assert not ws._conn.closed


async def test_other_end_sees_a_connection_that_was_closed_so(library: Any) -> None:
    ended = asyncio.Event()

    async def handler(request: Any) -> Any:
        ws = library.web.WebSocketResponse()
        await ws.prepare(request)
        try:
            await ws.receive()
        finally:
            ended.set()
        return ws

    app = library.web.Application()
    app.router.add_get("/", handler)
    server = library.test_utils.TestServer(app)
    async with library.test_utils.TestClient(server) as client:
        ws = await client.ws_connect("/")
        ws._conn.transport.close()
        await asyncio.wait_for(ended.wait(), 10)
