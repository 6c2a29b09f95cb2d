"""Peers that keep to the letter of the protocol and mean harm, or are cut off at a bad moment."""

import asyncio
import logging

import pytest

from aiohttp_ws import WSMsgType, web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.web.raw_server import get
from tests.ws.conftest import Open
from tests.ws.raw_end import PATIENCE, TEXT, frame, open_raw


async def test_messages_set_aside_leave_alone_what_another_connection_has_just_read(
    aiohttp_server: AiohttpServer,
) -> None:
    opened: asyncio.Future[web.WebSocketResponse] = asyncio.Future()

    async def chat(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_queue=1000)
        await ws.prepare(request)
        opened.set_result(ws)
        await asyncio.Event().wait()
        return ws

    async def drain(request: web.Request) -> web.Response:
        ws = await opened
        for _ in range(8):  # enough for the queue to be filled again from what was set aside
            await ws.receive()
        return web.Response(text="drained")

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="page")

    app = web.Application()
    app.router.add_get("/chat", chat)
    app.router.add_get("/drain", drain)
    app.router.add_get("/page", page)
    server = await aiohttp_server(app, shutdown_timeout=0.1)
    assert server.port is not None
    peer, _ = await open_raw(server.host, server.port, path="/chat")
    peer.send_bytes(b"".join(frame(TEXT, b"X" * 50, mask=True) for _ in range(400)))
    ws = await opened
    while ws._ws.queued_bytes < 1000:  # noqa: ASYNC110
        await asyncio.sleep(0)

    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(get("/page"))
    await asyncio.wait_for(reader.readuntil(b"page"), PATIENCE)
    writer.write(get("/drain") + get("/page") * 5 + get("/page", "Connection: close"))
    answers = await asyncio.wait_for(reader.read(), PATIENCE)

    assert answers.count(b"HTTP/1.1 200 OK") == 7
    writer.close()
    peer.writer.close()


async def test_a_peer_that_breaks_the_protocol_and_leaves_is_no_error_of_ours(
    open_server: Open, caplog: pytest.LogCaptureFixture
) -> None:
    ends = await open_server()
    ends.peer.send(TEXT, b"not masked", mask=False)
    # Our close frame meets a closed socket: TCP is reset before we have ended our side.
    ends.peer.writer.transport.abort()

    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert ends.ws.close_code == 1002
    while not ends.ws._ws.transport.is_disconnected:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
