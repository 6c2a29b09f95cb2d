"""Peers that keep to the letter of the protocol and mean harm, or are cut off at a bad moment."""

import asyncio
import logging
import socket

import pytest

from aiohttp_ws import WSMsgType, web
from aiohttp_ws.pytest_plugin import AiohttpServer
from aiohttp_ws.test_utils import TestServer
from tests.web.raw_server import get
from tests.ws.conftest import Open
from tests.ws.raw_end import CLOSE, PATIENCE, TEXT, closing, frame, open_raw

HANDSHAKE = get(
    "/",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


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
    while ws._connection.queued_bytes < 1000:  # noqa: ASYNC110
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
    while not ends.ws._connection.transport.is_disconnected:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def plain_client(server: TestServer) -> socket.socket:
    """A client with little room for what it does not read, just behind its request."""
    assert server.port is not None
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((server.host, server.port))
    client.setblocking(False)
    return client


async def test_messages_in_the_handshakes_packet_that_fill_the_queue_keep_their_order(
    aiohttp_server: AiohttpServer,
) -> None:
    opened: asyncio.Future[web.WebSocketResponse] = asyncio.Future()
    go_on = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_queue=1000)
        await ws.prepare(request)
        opened.set_result(ws)
        await go_on.wait()
        for expected in range(200):
            assert await ws.receive_str() == str(expected)
        await ws.close(code=3000)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app)
    assert server.port is not None
    frames = [frame(TEXT, str(number).encode(), mask=True) for number in range(200)]
    peer, _ = await open_raw(server.host, server.port, send=b"".join(frames[:100]))
    ws = await opened
    peer.send_bytes(b"".join(frames[100:]))
    await peer.writer.drain()
    assert not ws._connection.transport.underlying_transport.is_reading()
    go_on.set()
    assert await peer.skip_to_close() == (3000, "")
    peer.writer.close()


async def test_a_send_waits_for_what_was_unsent_before_the_handshake(
    aiohttp_server: AiohttpServer,
) -> None:
    opened: asyncio.Future[web.WebSocketResponse] = asyncio.Future()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        assert request.transport is not None
        request.transport.write(b"x" * 8_000_000)  # more than any socket takes
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        opened.set_result(ws)
        await asyncio.Event().wait()
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app, shutdown_timeout=0.1)
    client = plain_client(server)
    client.send(HANDSHAKE)
    ws = await opened
    sending = asyncio.ensure_future(ws.send_str("hello"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not sending.done()
    loop = asyncio.get_running_loop()
    while not sending.done():
        await loop.sock_recv(client, 65536)
    assert sending.exception() is None
    client.close()


async def test_a_closing_peer_that_does_not_read_is_dropped_after_the_timeout(
    aiohttp_server: AiohttpServer,
) -> None:
    opened: asyncio.Future[web.WebSocketResponse] = asyncio.Future()
    lost: asyncio.Future[None] = asyncio.Future()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(timeout=0.05)
        await ws.prepare(request)
        opened.set_result(ws)
        async for _ in ws:
            pass
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app)
    client = plain_client(server)
    client.send(HANDSHAKE)
    ws = await opened
    sends = []
    while not ws._connection.transport.writing_paused:
        sends.append(asyncio.ensure_future(ws.send_bytes(b"x" * 100_000)))
        await asyncio.sleep(0)
    for send in sends:
        send.cancel()
    ws._connection.when_lost(lambda exc: lost.set_result(None))
    client.send(frame(CLOSE, closing(1000), mask=True))

    await asyncio.wait_for(lost, PATIENCE)
    assert ws.close_code == 1000
    client.close()
