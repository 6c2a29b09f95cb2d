"""The frame API against messages of other libraries: websockets and aiohttp, either end, TLS."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

import aiohttp_ws
from aiohttp_ws import WSMsgType
from tests.interop.frame_ends import Ends, Records, echo
from tests.interop.talk import Tls, soon
from tests.peers import import_peer

websockets: Any = import_peer("websockets")
aiohttp: Any = import_peer("aiohttp")
aiohttp_web: Any = __import__("aiohttp.web", fromlist=["web"])

ENDS = Ends(aiohttp_ws, aiohttp_ws)
MESSAGES: list[str | bytes] = ["", "café", b"\x00\xff", "x" * 70_000, bytes(300_000)]


class WebsocketsClient:
    """What the tests ask of a peer's client, by the library websockets."""

    def __init__(self, ws: Any) -> None:
        self._ws = ws
        self.subprotocol = ws.subprotocol

    async def send(self, message: str | bytes) -> None:
        await self._ws.send(message)

    async def receive(self) -> str | bytes:
        message: str | bytes = await soon(self._ws.recv())
        return message

    async def ping(self) -> None:
        await soon(await self._ws.ping(b"here"))

    async def close(self) -> tuple[int, str]:
        await soon(self._ws.close(4000, "bye"))
        return self._ws.close_code, self._ws.close_reason


@contextlib.asynccontextmanager
async def websockets_client(url: str, tls: Tls | None, **options: Any) -> AsyncIterator[Any]:
    if tls is not None:
        options["ssl"] = tls.client
    async with websockets.connect(url, **options) as ws:
        yield WebsocketsClient(ws)


class AiohttpClient:
    def __init__(self, ws: Any) -> None:
        self._ws = ws
        self.subprotocol = ws.protocol

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self._ws.send_str(message)
        else:
            await self._ws.send_bytes(message)

    async def receive(self) -> str | bytes:
        message: str | bytes = (await soon(self._ws.receive())).data
        return message

    async def ping(self) -> None:
        await self._ws.ping(b"here")  # aiohttp keeps pongs to itself

    async def close(self) -> tuple[int, str]:
        await soon(self._ws.close(code=4000, message=b"bye"))
        return self._ws.close_code, "bye"


@contextlib.asynccontextmanager
async def aiohttp_client(url: str, tls: Tls | None, **options: Any) -> AsyncIterator[Any]:
    if "subprotocols" in options:
        options["protocols"] = options.pop("subprotocols")
    options.pop("compression", None)
    if tls is not None:
        options["ssl"] = tls.client
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as ws:
        yield AiohttpClient(ws)


@contextlib.asynccontextmanager
async def websockets_server(tls: Tls | None) -> AsyncIterator[int]:
    async def handler(ws: Any) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in ws:
                await ws.send(message)

    ssl = None if tls is None else tls.server
    async with websockets.serve(handler, "127.0.0.1", 0, ssl=ssl) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def aiohttp_server(tls: Tls | None) -> AsyncIterator[int]:
    async def handler(request: Any) -> Any:
        ws = aiohttp_web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                await ws.send_str(message.data)
            else:
                await ws.send_bytes(message.data)
        return ws

    app = aiohttp_web.Application()
    app.router.add_get("/", handler)
    runner = aiohttp_web.AppRunner(app)
    await runner.setup()
    ssl = None if tls is None else tls.server
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


CLIENTS = {"websockets": websockets_client, "aiohttp": aiohttp_client}
SERVERS = {"websockets": websockets_server, "aiohttp": aiohttp_server}
# The code that each answers our 4000 with: aiohttp's async for has returned, and so its handler.
ANSWERS = {"websockets": 4000, "aiohttp": 1000}


@pytest.fixture(params=["plain", "tls"])
def secured(request: pytest.FixtureRequest) -> Tls | None:
    return request.getfixturevalue("tls") if request.param == "tls" else None


def scheme(tls: Tls | None) -> str:
    return "ws" if tls is None else "wss"


@contextlib.asynccontextmanager
async def serving(tls: Tls | None, **options: Any) -> AsyncIterator[Any]:
    """An echo server in the frame API: its port, and the listeners of its connections."""
    listeners: list[Any] = []

    def factory(request: Any) -> Any:
        listeners.append(ENDS.listener(aiohttp_ws, {"on_ws_frame": echo}))
        return listeners[-1]

    if tls is not None:
        options["ssl"] = tls.server
    async with ENDS.serving(factory, **options) as port:
        yield SimpleNamespace(url=f"{scheme(tls)}://127.0.0.1:{port}/", listeners=listeners)


@pytest.mark.parametrize("peer", CLIENTS)
async def test_a_server_of_frames_serves_clients_of_messages(peer: str, secured: Tls | None):
    async with serving(secured) as server, CLIENTS[peer](server.url, secured) as client:
        for message in MESSAGES:
            await client.send(message)
            assert await client.receive() == message
        await client.ping()
        assert await client.close() == (4000, "bye")
        raised, closing = await server.listeners[0].ended()
        assert (raised, closing) == (None, ((4000, "bye"), (4000, "bye"), True))


@pytest.mark.parametrize("peer", SERVERS)
async def test_a_client_of_frames_talks_to_servers_of_messages(peer: str, secured: Tls | None):
    async with SERVERS[peer](secured) as port:
        options = {} if secured is None else {"ssl_context": secured.client}
        client = await ENDS.connect(port, scheme=scheme(secured), **options)
        for message in MESSAGES:
            kind = WSMsgType.TEXT if isinstance(message, str) else WSMsgType.BINARY
            payload = message.encode() if isinstance(message, str) else message
            client.transport.send(kind, payload)
            assert await whole(client) == (kind.name, payload)
        client.transport.send(WSMsgType.TEXT, b"two ", fin=False)
        client.transport.send(WSMsgType.CONTINUATION, b"parts")
        assert await whole(client) == ("TEXT", b"two parts")
        assert len(await soon(client.transport.measure_roundtrip_time(2))) == 2
        client.transport.send_close(4000, b"bye")
        raised, (received, _, _) = await client.ended()
        assert (raised, received[0]) == (None, ANSWERS[peer])


async def whole(client: Records) -> tuple[str, bytes]:
    """The next message, whatever its fragments: its kind and payload."""
    kind, fin, payload = await client.next()
    while not fin:
        _, fin, more = await client.next()
        payload += more
    return kind, payload


@pytest.mark.parametrize("peer", CLIENTS)
async def test_a_server_of_frames_agrees_on_a_subprotocol(peer: str):
    def factory(request: Any) -> Any:
        response = aiohttp_ws.WSUpgradeResponse.create_101_response(
            {"Sec-WebSocket-Protocol": "chat"}
        )
        return aiohttp_ws.WSUpgradeResponseWithListener(
            response, ENDS.listener(aiohttp_ws, {"on_ws_frame": echo})
        )

    async with ENDS.serving(factory) as port:
        url = f"ws://127.0.0.1:{port}/"
        async with CLIENTS[peer](url, None, subprotocols=["superchat", "chat"]) as client:
            assert client.subprotocol == "chat"
            await client.close()


async def test_frames_are_compressed_on_the_wire_and_arrive_inflated():
    text = "ticks " * 1000
    async with (
        serving(None, compression="deflate") as server,
        websockets.connect(server.url, compression="deflate") as ws,
    ):
        assert "permessage-deflate" in ws.response.headers["Sec-WebSocket-Extensions"]
        await ws.send(text)
        assert await soon(ws.recv()) == text
        assert await server.listeners[0].next() == ("TEXT", True, text.encode())
