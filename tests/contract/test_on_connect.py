"""``on_connect`` of every server, with other libraries' clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import (
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    web,
    ws_create_server,
)
from aiohttp_ws.websockets import ServerConnection
from aiohttp_ws.websockets import serve as serve_messages
from tests.interop.autobahn_ends import autobahn_client
from tests.peers import import_peer
from tests.ws.raw_end import Refused, open_raw

aiohttp = import_peer("aiohttp")
websockets = import_peer("websockets")

Serve = Callable[..., Awaitable[int]]
STATUSES = sorted(value for name, value in vars(ConnectionDeny).items() if name.isupper())


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())


async def answer_messages(request: web.Request, **options: Any) -> web.StreamResponse:
    ws = web.WebSocketResponse(**options)
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def answer_frames(request: web.Request, **options: Any) -> web.StreamResponse:
    return web.WebSocketListenerResponse(Echo(), **options)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.fixture(params=["web", "web listener", "messages", "frames"])
async def serve(request: pytest.FixtureRequest) -> AsyncIterator[Serve]:
    """``await serve(on_connect, **options)`` gives the port of a server that echoes."""
    cleanups: list[Callable[[], Any]] = []

    async def serve_web(on_connect: Any, **options: Any) -> int:
        answer = answer_messages if request.param == "web" else answer_frames

        async def handler(asked: web.Request) -> web.StreamResponse:
            return await answer(asked, on_connect=on_connect, **options)

        app = web.Application()
        app.router.add_get("/{name:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        cleanups.append(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return site.port

    async def serve_with(on_connect: Any, **options: Any) -> int:
        server: Any
        if request.param.startswith("web"):
            return await serve_web(on_connect, **options)
        if request.param == "messages":
            server = await serve_messages(echo, "127.0.0.1", 0, on_connect=on_connect, **options)
            cleanups.append(server.wait_closed)
        else:
            server = await ws_create_server(
                lambda request: Echo(), "127.0.0.1", 0, on_connect=on_connect, **options
            )
        cleanups.append(server.close)
        return next(iter(server.sockets)).getsockname()[1]  # type: ignore[no-any-return]

    yield serve_with
    for cleanup in reversed(cleanups):
        if (waiting := cleanup()) is not None:
            await waiting


def in_two_ways(answer: Callable[[ConnectionRequest], Any], later: bool) -> Any:
    """*answer* as a function or as a coroutine function that really waits."""

    async def answer_later(request: ConnectionRequest) -> Any:
        await asyncio.sleep(0)
        return answer(request)

    return answer_later if later else answer


both_ways = pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])


async def refusal(port: int, **options: Any) -> Any:
    """The response that refuses a client of websockets."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None, **options)
    return caught.value.response


# ---------------------------------------------------------------------- who is let in


@both_ways
async def test_autobahns_client_gets_the_subprotocol_and_the_headers(serve: Serve, later: bool):
    def on_connect(request: ConnectionRequest) -> Any:
        return ConnectionAccept("b", {"X-One": "1", "X-Two": ["2", "3"]})

    port = await serve(in_two_ways(on_connect, later))
    async with autobahn_client(f"ws://127.0.0.1:{port}/", ["a", "b"]) as end:
        response = await end.opened
        assert response.protocol == "b"
        assert (response.headers["x-one"], response.headers["x-two"]) == ("1", "2, 3")
        end.send(b"hello")
        assert await end.next() == (b"hello", False)
        end.protocol.sendClose(1000)
        await end.wait_closed()


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


@pytest.mark.parametrize("serve", ["web", "web listener", "messages"], indirect=True)
async def test_on_connect_goes_before_the_subprotocols_of_the_server(
    serve: Serve, request: pytest.FixtureRequest
):
    option = "subprotocols" if "messages" in request.node.name else "protocols"
    port = await serve(lambda asked: ("b", {"X-One": "1"}), **{option: ["a"]})
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/", subprotocols=["a", "b"], proxy=None
    ) as connection:
        assert connection.subprotocol == "b"
        assert connection.response.headers.get_all("Sec-WebSocket-Protocol") == ["b"]
        assert connection.response.headers["X-One"] == "1"
        await connection.send("hello")
        assert await connection.recv() == "hello"


# ------------------------------------------------------------------------ who is not


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
    response = await refusal(port)
    assert (response.status_code, response.reason_phrase) == (403, "members only")
    assert response.body == b"members only"
    async with autobahn_client(f"ws://127.0.0.1:{port}/") as end:
        assert "[403]: members only" in (await end.wait_closed())[2]


@pytest.mark.parametrize("reason", ["a\r\nX-Evil: 1", "für alle", "\udcff"])
async def test_a_reason_that_a_status_line_cannot_carry_is_in_the_body(serve: Serve, reason: str):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(404, reason)

    response = await refusal(await serve(on_connect))
    assert (response.status_code, response.reason_phrase) == (404, "Not Found")
    assert "X-Evil" not in response.headers
    assert response.body == reason.encode("utf-8", "backslashreplace")


async def test_on_connect_is_not_asked_about_what_is_not_a_handshake(serve: Serve):
    asked: list[ConnectionRequest] = []
    port = await serve(asked.append)
    for headers in ([("Sec-WebSocket-Key", "short")], [("Sec-WebSocket-Version", "8")]):
        with pytest.raises(Refused):
            await open_raw("127.0.0.1", port, headers=headers)
    assert asked == []


async def test_malformed_extensions_are_refused_with_400(serve: Serve):
    port = await serve(lambda request: None)
    with pytest.raises(Refused, match="400"):
        await open_raw("127.0.0.1", port, headers=[("Sec-WebSocket-Extensions", "a b")])


# --------------------------------------------------------------- what cannot be done


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
    response = await refusal(port, subprotocols=["a"])
    assert response.status_code == 500
    assert "X" not in response.headers
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert told in record.getMessage()
    assert record.exc_info is None


@both_ways
async def test_an_exception_is_500_and_logged(
    serve: Serve, later: bool, caplog: pytest.LogCaptureFixture
):
    def on_connect(request: ConnectionRequest) -> None:
        raise LookupError("secret of the database")

    response = await refusal(await serve(in_two_ways(on_connect, later)))
    assert response.status_code == 500
    assert b"secret" not in (response.body or b"")
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)
