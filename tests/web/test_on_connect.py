"""``on_connect`` of the responses that open WebSockets, with other libraries' clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import (
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    WSFrame,
    WSListener,
    WSTransport,
    web,
)
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.interop.autobahn_ends import autobahn_client
from tests.peers import import_peer
from tests.ws.raw_end import PATIENCE, TEXT, Refused, frame, open_raw

aiohttp = import_peer("aiohttp")
websockets = import_peer("websockets")

Serve = Callable[..., Awaitable[int]]
STATUSES = sorted(
    value for name, value in vars(ConnectionDeny).items() if name.isupper()
)  # the eight constants


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


def in_two_ways(answer: Callable[[ConnectionRequest], Any], later: bool) -> Any:
    """*answer* as a function or as a coroutine function that really waits."""

    async def answer_later(request: ConnectionRequest) -> Any:
        await asyncio.sleep(0)
        return answer(request)

    return answer_later if later else answer


both_ways = pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])


@both_ways
async def test_autobahns_client_gets_the_subprotocol_and_the_headers(serve: Serve, later: bool):
    def on_connect(request: ConnectionRequest) -> Any:
        return ConnectionAccept("b", {"X-One": "1", "X-Two": ["2", "3"]})

    port = await serve(in_two_ways(on_connect, later))
    async with autobahn_client(f"ws://127.0.0.1:{port}/", ["a", "b"]) as end:
        response = await end.opened
        assert response.protocol == "b"
        assert response.headers["x-one"] == "1"
        assert response.headers["x-two"] == "2, 3"
        assert response.headers["x-handler"] == "here"
        end.send(b"hello")
        assert await end.next() == (b"hello", False)


async def test_on_connect_sees_what_autobahns_server_would_see(serve: Serve):
    seen: asyncio.Future[ConnectionRequest] = asyncio.Future()
    port = await serve(seen.set_result)
    url = f"ws://127.0.0.1:{port}/rooms/5%20a?q=1&q=2"
    async with autobahn_client(url, ["a", "b"], deflate=True, cookie="c=1") as end:
        await end.opened
        request = await seen
        name, own_port = end.protocol.transport.get_extra_info("sockname")
        assert request.peer == f"tcp4:{name}:{own_port}"
    assert request.headers["Cookie"] == "c=1"
    assert request.host == "127.0.0.1"
    assert request.path == "/rooms/5%20a"
    assert request.params == {"q": ["1", "2"]}
    assert request.version == 13
    assert request.origin is None
    assert request.protocols == ["a", "b"]
    assert [name for name, _ in request.extensions] == ["permessage-deflate"]


@both_ways
@pytest.mark.parametrize("status", STATUSES)
async def test_aiohttps_client_sees_a_refusal(serve: Serve, status: int, later: bool):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(status, "not you")

    port = await serve(in_two_ways(on_connect, later))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"http://127.0.0.1:{port}/")
    assert caught.value.status == status
    assert (caught.value.headers or {})["Content-Type"].startswith("text/plain")


async def test_a_refusal_says_why_in_the_status_line_and_in_the_body(serve: Serve):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(403, "members only")

    port = await serve(on_connect)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
    response = caught.value.response
    assert (response.status_code, response.reason_phrase) == (403, "members only")
    assert response.body == b"members only"
    async with autobahn_client(f"ws://127.0.0.1:{port}/") as end:
        assert "[403]: members only" in (await end.wait_closed())[2]


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


async def test_a_reason_cannot_bring_headers_of_its_own(serve: Serve):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(404, "no room\r\nX-Evil: 1")

    port = await serve(on_connect)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
    response = caught.value.response
    assert (response.status_code, response.reason_phrase) == (404, "Not Found")
    assert "X-Evil" not in response.headers
    assert response.body == b"no room\r\nX-Evil: 1"


@both_ways
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("c", "did not offer"),
        (("a", {"X": "1\r\nY: 2"}), "control characters"),
        ((None, {"Sec-WebSocket-Accept": "x"}), "the handshake makes itself"),
        (5, "on_connect returned 5"),
    ],
    ids=repr,
)
async def test_a_wrong_answer_is_500_and_one_line_in_the_log(
    serve: Serve, answer: Any, told: str, later: bool, caplog: pytest.LogCaptureFixture
):
    port = await serve(in_two_ways(lambda request: answer, later))
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{port}/", subprotocols=["a"], proxy=None)
    assert caught.value.response.status_code == 500
    assert "X" not in caught.value.response.headers
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert told in record.getMessage()
    assert record.exc_info is None


@both_ways
async def test_an_exception_is_500_and_logged(
    serve: Serve, later: bool, caplog: pytest.LogCaptureFixture
):
    def on_connect(request: ConnectionRequest) -> None:
        raise LookupError("secret of the database")

    port = await serve(in_two_ways(on_connect, later))
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
    assert caught.value.response.status_code == 500
    assert b"secret" not in (caught.value.response.body or b"")
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


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


async def test_on_connect_goes_before_protocols(serve: Serve):
    port = await serve(lambda request: "a", protocols=["b"])
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/", protocols=["a", "b"]) as connection,
    ):
        assert connection.protocol == "a"
        await connection.send_str("hello")
        assert await connection.receive_str() == "hello"


async def test_on_connect_is_not_asked_about_what_is_no_valid_handshake(serve: Serve):
    asked: list[ConnectionRequest] = []
    port = await serve(asked.append, origins=["https://example.com"])
    for headers in (
        [("Sec-WebSocket-Key", "short")],
        [("Sec-WebSocket-Version", "8")],
        [("Origin", "https://evil.example")],
    ):
        with pytest.raises(Refused):
            await open_raw("127.0.0.1", port, headers=headers)
    assert asked == []


async def test_malformed_extensions_are_refused_with_400(serve: Serve):
    port = await serve(lambda request: None)
    with pytest.raises(Refused, match="400"):
        await open_raw("127.0.0.1", port, headers=[("Sec-WebSocket-Extensions", "a b")])


async def test_what_a_client_sends_while_it_is_decided_about_arrives(serve: Serve):
    entered, decided = asyncio.Event(), asyncio.Event()

    async def on_connect(request: ConnectionRequest) -> None:
        entered.set()
        await decided.wait()

    port = await serve(on_connect)
    hello = frame(TEXT, b"hello", mask=True)
    opening = asyncio.ensure_future(open_raw("127.0.0.1", port, send=hello))
    await asyncio.wait_for(entered.wait(), PATIENCE)
    assert not opening.done()
    decided.set()
    peer, _ = await asyncio.wait_for(opening, PATIENCE)
    received = await peer.receive()
    assert (received.opcode, received.payload) == (TEXT, b"hello")
    peer.writer.transport.abort()


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
