"""``on_connect`` of ``ClientSession.ws_connect``, with other libraries' servers."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from aiohttp_ws import ClientSession, ConnectionResponse, WSServerHandshakeError
from tests.interop.autobahn_ends import autobahn_server
from tests.peers import import_peer
from tests.ws.raw_end import PATIENCE

websockets = import_peer("websockets")
of_autobahn = importlib.import_module("autobahn.websocket.types")


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def in_two_ways(answer: Callable[[Any], Any], later: bool) -> Any:
    """*answer* as a function or as a coroutine function that really waits."""

    async def answer_later(response: ConnectionResponse) -> Any:
        await asyncio.sleep(0)
        return answer(response)

    return answer_later if later else answer


both_ways = pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])


@both_ways
async def test_on_connect_sees_what_autobahns_server_agreed_to(session: ClientSession, later: bool):
    seen: list[ConnectionResponse] = []
    answer = ("b", {"X-One": "1", "X-Two": ["2", "3"]})
    async with autobahn_server(lambda request: answer, deflate=True) as (url, ends):
        ws = await session.ws_connect(
            url, protocols=["a", "b"], compress=15, on_connect=in_two_ways(seen.append, later)
        )
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        end.send(b"hello")
        assert await ws.receive_str() == "hello"
        await ws.close()
    (response,) = seen
    assert response.peer == f"tcp4:{url.removeprefix('ws://').rstrip('/')}"
    assert response.version == 13
    assert response.protocol == "b"
    assert response.headers["X-One"] == "1"
    assert response.__json__()["headers"]["x-two"] == "2, 3"
    assert [name for name, _ in response.extensions] == ["permessage-deflate"]


@both_ways
async def test_what_on_connect_raises_ends_the_connection_and_is_raised(
    session: ClientSession, later: bool
):
    def on_connect(response: ConnectionResponse) -> None:
        raise PermissionError("not this server")

    async with autobahn_server() as (url, ends):
        with pytest.raises(PermissionError, match="not this server"):
            await session.ws_connect(url, on_connect=in_two_ways(on_connect, later))
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        assert (await end.wait_closed())[:2] == (False, 1006)
    assert not session._websockets


async def test_cancelling_ends_a_connection_that_on_connect_decides_about(session: ClientSession):
    entered = asyncio.Event()

    async def on_connect(response: ConnectionResponse) -> None:
        entered.set()
        await asyncio.Event().wait()

    async with autobahn_server() as (url, ends):
        opening = asyncio.ensure_future(session.ws_connect(url, on_connect=on_connect))
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        await asyncio.wait_for(entered.wait(), PATIENCE)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert (await end.wait_closed())[1] == 1006


async def test_what_the_server_sends_while_on_connect_decides_arrives(session: ClientSession):
    entered, decided = asyncio.Event(), asyncio.Event()
    sent = [bytes([number]) * 10_000 for number in range(250)]

    async def on_connect(response: ConnectionResponse) -> None:
        entered.set()
        await decided.wait()

    async with autobahn_server() as (url, ends):
        opening = asyncio.ensure_future(session.ws_connect(url, on_connect=on_connect))
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        for payload in sent:
            end.send(payload, is_binary=True)
        await asyncio.wait_for(entered.wait(), PATIENCE)
        decided.set()
        ws = await asyncio.wait_for(opening, PATIENCE)
        assert [await ws.receive_bytes() for _ in sent] == sent
        await ws.close()


async def test_a_server_that_leaves_while_on_connect_decides_closes_the_connection(
    session: ClientSession,
):
    async def leave(connection: Any) -> None:
        await connection.send("bye")
        await connection.close(1001, "leaving")
        left.set()

    left = asyncio.Event()

    async def on_connect(response: ConnectionResponse) -> None:
        await asyncio.wait_for(left.wait(), PATIENCE)

    async with websockets.serve(leave, "127.0.0.1", 0, close_timeout=0.05) as server:
        port = server.sockets[0].getsockname()[1]
        ws = await session.ws_connect(f"ws://127.0.0.1:{port}/", on_connect=on_connect)
        assert await ws.receive_str() == "bye"
        assert (await ws.receive()).data == 1001


async def test_on_connect_does_not_see_a_refusal(session: ClientSession):
    seen: list[ConnectionResponse] = []

    def refuse(request: Any) -> None:
        raise of_autobahn.ConnectionDeny(403, "members only")

    async with autobahn_server(refuse) as (url, _):
        with pytest.raises(WSServerHandshakeError) as caught:
            await session.ws_connect(url, on_connect=seen.append)
    assert caught.value.status == 403
    assert seen == []
