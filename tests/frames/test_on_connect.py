"""``on_connect`` in the frame API, with other libraries at the other end."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import (
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    WSInvalidStatusError,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_connect,
    ws_create_server,
)
from aiohttp_ws.ws.opening.client import ClientOpening
from tests.frames.ends import Recorder, within
from tests.interop.autobahn_ends import autobahn_server
from tests.peers import import_peer
from tests.ws.raw_end import TEXT, Refused, open_raw

aiohttp = import_peer("aiohttp")
websockets = import_peer("websockets")
of_autobahn = importlib.import_module("autobahn.websocket.types")

Serve = Callable[..., Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(on_connect, factory, **options)`` gives the port of a server that echoes."""
    servers: list[asyncio.Server] = []

    def echo(request: WSUpgradeRequest) -> Recorder:
        return Recorder(
            on_ws_frame=lambda transport, frame: transport.send(
                frame.msg_type, frame.get_payload_as_bytes()
            )
        )

    async def serve_with(on_connect: Any, factory: Any = echo, **options: Any) -> int:
        server = await ws_create_server(factory, "127.0.0.1", 0, on_connect=on_connect, **options)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield serve_with
    for server in servers:
        server.close()


def refuse(request: Any) -> None:
    raise of_autobahn.ConnectionDeny(403, "members only")


def in_two_ways(answer: Callable[[Any], Any], later: bool) -> Any:
    """*answer* as a function or as a coroutine function that really waits."""

    async def answer_later(asked: Any) -> Any:
        await asyncio.sleep(0)
        return answer(asked)

    return answer_later if later else answer


both_ways = pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])

# ------------------------------------------------------------------------- the server


async def test_the_factory_is_asked_about_those_that_were_let_in(serve: Serve):
    made: list[WSUpgradeRequest] = []

    def on_connect(request: ConnectionRequest) -> None:
        if request.path == "/no":
            raise ConnectionDeny(403)

    def factory(request: WSUpgradeRequest) -> WSUpgradeResponse:
        made.append(request)
        return WSUpgradeResponse.create_error_response(409, b"full")

    port = await serve(on_connect, factory)
    for path, status in (("/no", 403), ("/yes", 409)):
        with pytest.raises(Refused) as caught:
            await open_raw("127.0.0.1", port, path=path)
        assert caught.value.status == status
    assert [request.path for request in made] == [b"/yes"]


async def test_the_factory_still_answers_what_is_no_handshake(serve: Serve):
    asked: list[ConnectionRequest] = []

    def factory(request: WSUpgradeRequest) -> WSUpgradeResponse:
        return WSUpgradeResponse.create_ok_response(b"healthy")

    port = await serve(asked.append, factory)
    url = f"http://127.0.0.1:{port}/health"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (response.status, await response.read()) == (200, b"healthy")
    assert asked == []


@pytest.mark.parametrize("later", [False, True], ids=["function", "coroutine"])
async def test_a_factorys_response_gets_what_was_decided(serve: Serve, later: bool):
    def answer(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        response = WSUpgradeResponse.create_101_response({"X-Factory": "1"})
        return WSUpgradeResponseWithListener(response, Recorder())

    port = await serve(lambda request: ("a", {"X-One": "2"}), in_two_ways(answer, later))
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/", subprotocols=["a"], proxy=None, close_timeout=0
    ) as connection:
        assert connection.subprotocol == "a"
        assert connection.response.headers["X-Factory"] == "1"
        assert connection.response.headers["X-One"] == "2"
        connection.transport.abort()


# ------------------------------------------------------------------------- the client


@both_ways
async def test_on_connect_sees_what_autobahns_server_agreed_to(later: bool):
    seen: list[ConnectionResponse] = []
    answer = ("b", {"X-One": "1", "X-Two": ["2", "3"]})
    async with autobahn_server(lambda request: answer, deflate=True) as (url, ends):
        transport, listener = await ws_connect(
            Recorder,
            url,
            on_connect=in_two_ways(seen.append, later),
            extra_headers={"Sec-WebSocket-Protocol": "a, b"},
            compression="deflate",
        )
        end = await within(ends.get())
        end.send(b"hello")
        assert await listener.next() == (TEXT, b"hello")
        transport.disconnect()
        await listener.wait_gone()
    (response,) = seen
    assert response.peer.startswith("tcp4:127.0.0.1:")
    assert response.version == 13
    assert response.protocol == "b"
    assert response.headers["X-One"] == "1"
    assert response.headers.getall("X-Two") == ["2", "3"]  # type: ignore[attr-defined]
    assert [name for name, _ in response.extensions] == ["permessage-deflate"]


@both_ways
async def test_what_on_connect_raises_ends_the_connection_and_is_raised(later: bool):
    made: list[Recorder] = []

    def factory() -> Recorder:
        made.append(Recorder())
        return made[-1]

    def on_connect(response: ConnectionResponse) -> None:
        raise PermissionError("not this server")

    async with autobahn_server() as (url, ends):
        with pytest.raises(PermissionError, match="not this server"):
            await ws_connect(factory, url, on_connect=in_two_ways(on_connect, later))
        end = await within(ends.get())
        was_clean, code, _ = await end.wait_closed()
        assert (was_clean, code) == (False, 1006)
    assert made == []


async def test_what_the_server_sends_while_on_connect_decides_arrives():
    entered, decided = asyncio.Event(), asyncio.Event()
    sent = [b"%d" % number * 1000 for number in range(200)]

    async def on_connect(response: ConnectionResponse) -> None:
        entered.set()
        await decided.wait()

    async with autobahn_server() as (url, ends):
        opening = asyncio.ensure_future(ws_connect(Recorder, url, on_connect=on_connect))
        end = await within(ends.get())
        for payload in sent:
            end.send(payload, is_binary=True)
        await within(entered.wait())
        decided.set()
        transport, listener = await within(opening)
        assert [(await listener.next())[1] for _ in sent] == sent
        transport.disconnect()
        await listener.wait_gone()


async def test_cancelling_ends_a_connection_that_on_connect_decides_about():
    entered = asyncio.Event()

    async def on_connect(response: ConnectionResponse) -> None:
        entered.set()
        await asyncio.Event().wait()

    async with autobahn_server() as (url, ends):
        opening = asyncio.ensure_future(ws_connect(Recorder, url, on_connect=on_connect))
        end = await within(ends.get())
        await within(entered.wait())
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert (await end.wait_closed())[1] == 1006


async def test_a_server_that_resets_while_on_connect_decides_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
):
    lost = asyncio.Event()
    connection_lost = ClientOpening.connection_lost

    def told(self: ClientOpening, exc: BaseException | None) -> None:
        connection_lost(self, exc)
        lost.set()

    monkeypatch.setattr(ClientOpening, "connection_lost", told)
    async with autobahn_server() as (url, ends):

        async def on_connect(response: ConnectionResponse) -> None:
            (await within(ends.get())).protocol.transport.abort()
            await within(lost.wait())

        transport, _ = await ws_connect(Recorder, url, on_connect=on_connect)
        await within(transport.wait_disconnected())
        assert transport.close_handshake is None


async def test_on_connect_does_not_see_a_refusal():
    seen: list[ConnectionResponse] = []
    async with autobahn_server(refuse) as (url, _):
        with pytest.raises(WSInvalidStatusError, match="403"):
            await ws_connect(Recorder, url, on_connect=seen.append)
    assert seen == []
