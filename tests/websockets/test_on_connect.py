"""``on_connect`` and messages as objects in the message API, with other libraries as peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import aiohttp_ws.websockets as ours
from aiohttp_ws import (
    ConnectionResponse,
    IncomingMessage,
    OutgoingMessage,
)
from tests.interop.autobahn_ends import autobahn_server
from tests.ws.raw_end import PATIENCE

LONG = b"a price, and another price: " * 40
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
