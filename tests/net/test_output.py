"""How bytes leave: alike for WebSocket and HTTP connections."""

from __future__ import annotations

import asyncio

import pytest

from aiohttp_ws import web
from aiohttp_ws.net.output import Output
from aiohttp_ws.web.connection import HTTPConnection
from aiohttp_ws.ws.engine.connection import Connection
from tests.programs import ROOT
from tests.web.raw_server import get, running

PACKAGE = ROOT / "aiohttp_ws"


def test_one_module_writes_to_sockets_past_their_transports():
    writers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.pyx")
        if "aws_send(" in path.read_text()
    }
    assert writers == {"net/output.pyx"}


@pytest.mark.parametrize("connection", [HTTPConnection, Connection])
def test_websocket_and_http_connections_share_one_output(connection):
    assert issubclass(connection, Output)


@pytest.mark.parametrize("size", [10, 4096, 16384, 300_000])
async def test_answers_of_any_size_written_in_one_read_arrive_whole_and_in_order(size):
    async def handler(request):
        return web.Response(text=f"{request.path}:".ljust(size, "."))

    async with running(handler) as server, server.connect() as peer:
        peer.send(b"".join(get(f"/{n}") for n in range(10)))
        for n in range(10):
            _, body = await peer.answer()
            assert body.decode() == f"/{n}:".ljust(size, ".")


@pytest.mark.parametrize("waits", [False, True])
async def test_nothing_is_sent_after_the_handler_has_aborted_the_transport(waits):
    async def handler(request):
        if waits:
            await asyncio.sleep(0)  # what is written after it is outside the read
        request.transport.abort()
        return web.Response(text="late")

    async with running(handler) as server, server.connect() as peer:
        peer.send(get())
        try:
            got = await asyncio.wait_for(peer.reader.read(), 10)
        except ConnectionResetError:
            got = b""
    assert got == b""
