"""``on_connect`` of the responses that open WebSockets, with other libraries' clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import (
    ConnectionDeny,
    ConnectionRequest,
    WSFrame,
    WSListener,
    WSTransport,
    web,
)
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.peers import import_peer
from tests.ws.raw_end import PATIENCE, Refused, open_raw

websockets = import_peer("websockets")

Serve = Callable[..., Awaitable[int]]


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == 1:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())
        elif frame.msg_type == 8:
            transport.send_close()
            transport.disconnect()


async def answer_messages(request: web.Request, **options: Any) -> web.StreamResponse:
    ws = web.WebSocketResponse(**options)
    ws.headers["X-Handler"] = "here"
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def answer_frames(request: web.Request, **options: Any) -> web.StreamResponse:
    return web.WebSocketListenerResponse(Echo(), headers={"X-Handler": "here"}, **options)


@pytest.fixture(params=[answer_messages, answer_frames], ids=["messages", "listener"])
def serve(request: pytest.FixtureRequest, aiohttp_server: AiohttpServer) -> Serve:
    """``await serve(on_connect, **options)`` gives the port of a server."""

    async def serve_with(on_connect: Any, **options: Any) -> int:
        async def handler(asked: web.Request) -> web.StreamResponse:
            response: web.StreamResponse = await request.param(
                asked, on_connect=on_connect, **options
            )
            return response

        app = web.Application()
        app.router.add_get("/{name:.*}", handler)
        server = await aiohttp_server(app)
        assert server.port is not None
        return server.port

    return serve_with


async def test_a_refusal_has_the_headers_that_the_handler_set(
    aiohttp_server: AiohttpServer,
):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(401, "who are you?")

    async def handler(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(on_connect=on_connect)
        ws.headers["WWW-Authenticate"] = 'Basic realm="rooms"'
        await ws.prepare(request)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{server.port}/", proxy=None)
    assert caught.value.response.headers["WWW-Authenticate"] == 'Basic realm="rooms"'


async def test_an_http_exception_is_an_answer_too(serve: Serve):
    def on_connect(request: ConnectionRequest) -> None:
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})

    port = await serve(on_connect)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
    assert caught.value.response.status_code == 401


async def test_none_leaves_the_choice_to_protocols(serve: Serve):
    port = await serve(lambda request: (None, {"X-One": "1"}), protocols=["b"])
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/", subprotocols=["a", "b"], proxy=None
    ) as connection:
        assert connection.subprotocol == "b"
        assert connection.response.headers["X-One"] == "1"
        assert connection.response.headers["X-Handler"] == "here"
        await connection.send("hello")
        assert await connection.recv() == "hello"


async def test_on_connect_is_not_asked_about_pages_of_other_sites(serve: Serve):
    asked: list[ConnectionRequest] = []
    port = await serve(asked.append, origins=["https://example.com"])
    with pytest.raises(Refused):
        await open_raw("127.0.0.1", port, headers=[("Origin", "https://evil.example")])
    assert asked == []


async def test_a_client_that_leaves_while_it_is_decided_about_leaves_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
):
    entered, decided = asyncio.Event(), asyncio.Event()
    left: asyncio.Future[None] = asyncio.Future()

    async def on_connect(request: ConnectionRequest) -> None:
        entered.set()
        try:
            await decided.wait()
        finally:
            left.set_result(None)

    port = await serve(on_connect)
    opening = asyncio.ensure_future(
        websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None).__aenter__()
    )
    await asyncio.wait_for(entered.wait(), PATIENCE)
    opening.cancel()
    await asyncio.wait([opening])
    decided.set()
    await asyncio.wait_for(left, PATIENCE)
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []
