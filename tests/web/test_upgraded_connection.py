"""What a connection keeps, and gives back, once it has become a WebSocket."""

import asyncio
import gc
import inspect
import types
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient, AiohttpServer
from aiohttp_ws.test_utils import TestServer
from tests.web.raw_server import get
from tests.ws.raw_end import TEXT, RawEnd, open_raw

# What leads from one of a connection's objects to the next.
BETWEEN = (tuple, list, types.MethodType, types.CoroutineType, asyncio.Task)
SHARED = (type, web.Application, web.Server)


def held_by(root: object) -> Counter[str]:
    """How many objects of each of the package's types *root* leads to, itself among them."""
    found: Counter[str] = Counter()
    seen = {id(root)}
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        ours = type(thing).__module__.startswith("aiohttp_ws")
        if ours:
            found[type(thing).__name__] += 1
        elif not isinstance(thing, BETWEEN) and not inspect.isawaitable(thing):
            continue
        for other in gc.get_referents(thing):
            if id(other) not in seen and not isinstance(other, SHARED):
                seen.add(id(other))
                waiting.append(other)
    return found


class Kept:
    """A handler that opens a WebSocket, and what it met there."""

    def __init__(self, *, touch_headers: bool = False) -> None:
        self.touch_headers = touch_headers
        self.opened: asyncio.Future[tuple[web.Request, web.WebSocketResponse]]
        self.opened = asyncio.get_running_loop().create_future()
        self.headers_before: Any = None

    async def __call__(self, request: web.Request) -> web.WebSocketResponse:
        if self.touch_headers:
            self.headers_before = request.headers
        ws = web.WebSocketResponse(heartbeat=None)
        await ws.prepare(request)
        self.opened.set_result((request, ws))
        async for message in ws:
            await ws.send_str(message.data)
        return ws


Open = Callable[..., Awaitable[tuple[RawEnd, web.Request, web.WebSocketResponse]]]


@pytest.fixture
def serve(aiohttp_server: AiohttpServer) -> Callable[[Any], Awaitable[TestServer]]:
    async def serve_handler(handler: Any) -> TestServer:
        app = web.Application()
        app.router.add_get("/{name}", handler)
        return await aiohttp_server(app)

    return serve_handler


@pytest.fixture
async def open_kept(serve: Any) -> AsyncIterator[Open]:
    """``await open_kept(kept)`` gives a raw client, and what *kept* met."""
    peers: list[RawEnd] = []

    async def open_one(kept: Kept, **kwargs: Any) -> Any:
        server = await serve(kept)
        peer, _ = await open_raw(server.host, server.port, path="/room?seat=4", **kwargs)
        peers.append(peer)
        return (peer, *await kept.opened)

    yield open_one
    for peer in peers:
        peer.writer.transport.abort()


async def test_an_open_websocket_holds_no_http_parser(open_kept: Open) -> None:
    _, request, _ = await open_kept(Kept())
    held = held_by(request.protocol)
    assert held["Request"] == held["WebSocketResponse"] == held["MessageConnection"] == 1
    assert held["RequestParser"] == 0
    assert held["NextRequest"] == 0
    # The one that receive() waits on.
    assert held["Waiter"] <= 1


async def test_a_connection_that_answers_requests_holds_its_parser(serve: Any) -> None:
    # The opposite, so that the test above is known to look where parsers are.
    async def hello(request: web.Request) -> web.Response:
        held.update(held_by(request.protocol))
        return web.Response()

    held: Counter[str] = Counter()
    server = await serve(hello)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(get("/x"))
    await reader.readuntil(b"\r\n\r\n")
    assert held["RequestParser"] == held["NextRequest"] == 1
    writer.close()


async def test_the_head_stays_readable_while_the_websocket_is_open(
    open_kept: Open,
) -> None:
    kept = Kept(touch_headers=True)
    _, request, _ = await open_kept(kept)
    # What was taken before still stands; it is no longer kept for nobody.
    assert request.headers == kept.headers_before
    assert request.headers is not kept.headers_before
    assert request.headers is request.headers
    assert request.raw_headers == tuple(
        (name.encode(), value.encode()) for name, value in kept.headers_before.items()
    )
    assert request.headers["Sec-WebSocket-Version"] == "13"
    assert request.path == "/room"
    assert request.query == {"seat": "4"}
    assert request.match_info["name"] == "room"
    assert request.host == kept.headers_before["Host"]
    assert request.remote in {"127.0.0.1", "::1"}
    assert request.can_read_body is False


async def test_many_and_long_header_fields_are_read_again(open_kept: Open) -> None:
    kept = Kept(touch_headers=True)
    fields = {f"X-Field-{number}": "v" * number for number in range(40)}
    _, request, _ = await open_kept(kept, headers=fields.items())
    assert {name: request.headers[name] for name in fields} == fields


async def test_a_websocket_response_has_no_dict_of_its_own_when_open(
    open_kept: Open,
) -> None:
    peer, _, ws = await open_kept(Kept())
    peer.send(TEXT, b"hi")
    await peer.receive()
    assert not any(isinstance(held, dict) for held in gc.get_referents(ws))


async def test_applications_keep_their_own_attributes_and_values_on_it(
    open_kept: Open,
) -> None:
    _, request, ws = await open_kept(Kept())
    ws.nickname = "ann"
    colour, seat = web.ResponseKey("colour", str), web.RequestKey("seat", int)
    ws[colour] = "blue"
    request[seat] = 4
    assert (ws.nickname, ws[colour], request[seat]) == ("ann", "blue", 4)
    assert ws.status == 101
    assert ws.reason == "Switching Protocols"
    assert ws.headers["Upgrade"] == "websocket"


def test_a_subclass_may_have_attributes_and_slots() -> None:
    class Room(web.WebSocketResponse):
        def __init__(self) -> None:
            super().__init__(protocols=["chat"])
            self.members = {1}

    class Seat(web.WebSocketResponse):
        __slots__ = ("number",)

    room, seat = Room(), Seat()
    seat.number = 3
    assert (room.members, seat.number) == ({1}, 3)
    assert not room.prepared
    assert room.status == 101


async def test_a_client_keeps_its_own_attributes_on_its_websocket(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    app.router.add_get("/ws", Kept())
    client = await aiohttp_client(app)
    ws = await client.ws_connect("/ws")
    assert not any(isinstance(held, dict) for held in gc.get_referents(ws))
    ws.nickname = "ann"
    assert ws.nickname == "ann"
    await ws.close()


# ---------------------------------------------------------------------- other upgrades


class Line(asyncio.Protocol):
    """What another protocol made of a connection that was handed over."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.lost = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set_result(None)
        self.handler.connection_lost(exc)


def hand_over(handler: Any) -> Line:
    transport, _ = handler.detach()
    assert handler.detach() == (transport, b"")
    line = Line(handler)
    transport.set_protocol(line)
    return line


async def test_a_handler_hands_its_connection_over(serve: Any) -> None:
    async def take(request: web.Request) -> web.Response:
        line = hand_over(request.protocol)
        request.transport.write(b"yours\n")
        try:
            await line.lost
        finally:
            ended.set_result(None)
        return web.Response()

    ended = asyncio.get_running_loop().create_future()
    server = await serve(take)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(get("/x"))
    assert await reader.readline() == b"yours\n"
    writer.close()
    await asyncio.wait_for(ended, 10)


async def test_a_connection_is_handed_over_while_it_waits_for_a_request(serve: Any) -> None:
    async def hello(request: web.Request) -> web.Response:
        handlers.append(request.protocol)
        return web.Response()

    handlers: list[Any] = []
    server = await serve(hello)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(get("/x"))
    await reader.readuntil(b"\r\n\r\n")
    line = hand_over(handlers[0])
    writer.close()
    await asyncio.wait_for(line.lost, 10)
    await asyncio.wait_for(handlers[0].task, 10)
    assert not server.handler.connections
