"""``on_connect`` and messages as objects at the message API, with other libraries as peers."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import aiohttp_ws.websockets as ours
from aiohttp_ws import (
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    IncomingMessage,
    OutgoingMessage,
)
from tests.interop.autobahn_ends import autobahn_client, autobahn_server
from tests.peers import import_peer
from tests.ws.raw_end import PATIENCE

websockets = import_peer("websockets")
aiohttp = import_peer("aiohttp")
of_autobahn = importlib.import_module("autobahn.websocket.types")

LONG = b"a price, and another price: " * 40
STATUSES = sorted(value for name, value in vars(ConnectionDeny).items() if name.isupper())
Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(on_connect, **options)`` gives the URL of a server that echoes."""
    servers: list[Any] = []

    async def echo(connection: ours.ServerConnection) -> None:
        try:
            while True:
                message = await connection.receive_message()
                await connection.send(OutgoingMessage(message.payload, message.is_binary))
        except ours.ConnectionClosed:
            pass

    async def serve_with(on_connect: Any, **options: Any) -> str:
        server = await ours.serve(echo, "127.0.0.1", 0, on_connect=on_connect, **options)
        servers.append(server)
        return f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"

    yield serve_with
    for server in servers:
        server.close()
        await server.wait_closed()


def in_two_ways(answer: Callable[[Any], Any], later: bool) -> Any:
    """*answer* as a function or as a coroutine function that really waits."""

    async def answer_later(asked: Any) -> Any:
        await asyncio.sleep(0)
        return answer(asked)

    return answer_later if later else answer


both_ways = pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])


@both_ways
async def test_autobahns_client_gets_the_subprotocol_and_the_headers(serve: Serve, later: bool):
    seen: list[ConnectionRequest] = []

    def on_connect(request: ConnectionRequest) -> Any:
        seen.append(request)
        return ConnectionAccept("b", {"X-One": "1", "X-Two": ["2", "3"]})

    url = await serve(in_two_ways(on_connect, later))
    async with autobahn_client(f"{url}a%20b?q=1", ["a", "b"]) as end:
        response = await end.opened
        assert response.protocol == "b"
        assert (response.headers["x-one"], response.headers["x-two"]) == ("1", "2, 3")
        for message in [("é".encode(), False), (b"\xff", True)]:
            end.send(*message)
            assert await end.next() == message
        end.protocol.sendClose(1000)
        await end.wait_closed()
    (request,) = seen
    assert (request.host, request.path, request.params) == ("127.0.0.1", "/a%20b", {"q": ["1"]})
    assert request.protocols == ["a", "b"]
    assert request.peer.startswith("tcp4:127.0.0.1:")
    assert request.headers["sec-websocket-version"] == "13"


@both_ways
@pytest.mark.parametrize("status", STATUSES)
async def test_aiohttps_client_sees_a_refusal(serve: Serve, status: int, later: bool):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(status)

    url = await serve(in_two_ways(on_connect, later))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(url)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("reason", "phrase"), [("members only", "members only"), ("a\r\nX-Evil: 1", "Forbidden")]
)
async def test_a_refusal_says_why(serve: Serve, reason: str, phrase: str):
    def on_connect(request: ConnectionRequest) -> None:
        raise ConnectionDeny(403, reason)

    url = await serve(on_connect)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(url, proxy=None)
    response = caught.value.response
    assert (response.status_code, response.reason_phrase) == (403, phrase)
    assert response.body == reason.encode()
    assert "X-Evil" not in response.headers


@both_ways
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("c", "did not offer"),
        ((None, {"X": "1\r\nY: 2"}), "control characters"),
        (5, "on_connect returned 5"),
    ],
    ids=repr,
)
async def test_a_wrong_answer_is_500_and_one_line_in_the_log(
    serve: Serve, answer: Any, told: str, later: bool, caplog: pytest.LogCaptureFixture
):
    url = await serve(in_two_ways(lambda request: answer, later))
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(url, subprotocols=["a"], proxy=None)
    assert caught.value.response.status_code == 500
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert told in record.getMessage()
    assert record.exc_info is None


async def test_an_exception_is_500_and_logged(serve: Serve, caplog: pytest.LogCaptureFixture):
    def on_connect(request: ConnectionRequest) -> None:
        raise LookupError("secret of the database")

    url = await serve(on_connect)
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(url, proxy=None)
    assert caught.value.response.status_code == 500
    assert b"secret" not in caught.value.response.body
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.exc_info is not None


async def test_on_connect_goes_before_subprotocols(serve: Serve):
    url = await serve(lambda request: ("b", {"X-One": "1"}), subprotocols=["a"])
    async with websockets.connect(url, subprotocols=["a", "b"], proxy=None) as connection:
        assert connection.subprotocol == "b"
        assert connection.response.headers.get_all("Sec-WebSocket-Protocol") == ["b"]
        assert connection.response.headers["X-One"] == "1"


@both_ways
async def test_on_connect_sees_what_autobahns_server_accepted(later: bool):
    seen: list[ConnectionResponse] = []
    async with (
        autobahn_server(lambda request: ("b", {"X-One": "1"}), deflate=True) as (url, ends),
        ours.connect(
            url,
            subprotocols=["a", "b"],
            proxy=None,
            on_connect=in_two_ways(seen.append, later),
        ) as connection,
    ):
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        await connection.send(OutgoingMessage(LONG, skip_compress=True))
        assert await end.next() == (LONG, False)
        await connection.send(OutgoingMessage(LONG, is_binary=True))
        assert await end.next() == (LONG, True)
        end.send(b"text")
        message = await connection.receive_message()
        assert type(message) is IncomingMessage
        assert (message.payload, message.is_binary) == (b"text", False)
    (response,) = seen
    assert response.protocol == "b"
    assert response.headers["x-one"] == "1"
    assert [name for name, _ in response.extensions] == ["permessage-deflate"]


@both_ways
async def test_what_on_connect_raises_ends_the_connection_and_is_raised(later: bool):
    def on_connect(response: ConnectionResponse) -> None:
        raise PermissionError("not this server")

    async with autobahn_server() as (url, ends):
        with pytest.raises(PermissionError, match="not this server"):
            await ours.connect(url, proxy=None, on_connect=in_two_ways(on_connect, later))
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        assert (await end.wait_closed())[1] == 1006


async def test_cancelling_ends_a_connection_that_on_connect_decides_about():
    entered = asyncio.Event()

    async def on_connect(response: ConnectionResponse) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def opening() -> None:
        await ours.connect(url, proxy=None, on_connect=on_connect)

    async with autobahn_server() as (url, ends):
        task = asyncio.ensure_future(opening())
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        await asyncio.wait_for(entered.wait(), PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await end.wait_closed())[1] == 1006


async def test_a_message_says_how_it_is_sent(serve: Serve):
    url = await serve(None, compression=None)
    async with ours.connect(url, proxy=None) as connection:
        await connection.send(OutgoingMessage("text"))
        assert await connection.recv() == "text"
        with pytest.raises(TypeError, match="contradicts"):
            await connection.send(OutgoingMessage("text"), text=False)
        with pytest.raises(UnicodeDecodeError):
            await connection.send(OutgoingMessage(b"\xff"))
        ours.broadcast([connection], OutgoingMessage(b"\xff", is_binary=True))
        assert await connection.recv() == b"\xff"
        await connection.close()
        with pytest.raises(ours.ConnectionClosedOK):
            await connection.receive_message()
        with pytest.raises(ours.ConnectionClosedOK):
            await connection.send(OutgoingMessage("late"))
