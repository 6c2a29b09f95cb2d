"""One message to many connections of any API, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import aiohttp.test_utils
import aiohttp.web
import pytest
import websockets.asyncio.client as peer

import aiohttp_ws
from aiohttp_ws import (
    BroadcastReport,
    DeflateOptions,
    WSListener,
    WSMsgType,
    broadcast,
    web,
)
from aiohttp_ws.test_utils import TestServer

LONG = "a price, and another price: " * 40


class Gathering:
    """The connections of a server in each API, as they come."""

    def __init__(self) -> None:
        self.connections: list[Any] = []
        self.arrived = asyncio.Condition()

    async def wait_for(self, count: int) -> list[Any]:
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.connections) >= count)
        return self.connections

    async def add(self, connection: Any) -> None:
        async with self.arrived:
            self.connections.append(connection)
            self.arrived.notify_all()


@contextlib.asynccontextmanager
async def web_server(gathering: Gathering, **settings: Any) -> AsyncIterator[str]:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(**settings)
        await ws.prepare(request)
        await gathering.add(ws)
        async for message in ws:
            if message.data == "tell me":
                await ws.send_str(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server:
        yield f"ws://127.0.0.1:{server.port}/"


@contextlib.asynccontextmanager
async def frame_server(gathering: Gathering, **settings: Any) -> AsyncIterator[str]:
    class Listener(WSListener):
        def on_ws_connected(self, transport: Any) -> None:
            self.arrival = asyncio.ensure_future(gathering.add(transport))

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()
            elif frame.msg_type is WSMsgType.TEXT:
                transport.send(WSMsgType.TEXT, frame.get_payload_as_bytes())

    server = await aiohttp_ws.ws_create_server(lambda r: Listener(), "127.0.0.1", 0, **settings)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


SERVERS = {"web": web_server, "frames": frame_server}


@pytest.fixture(params=SERVERS)
def serve(request: pytest.FixtureRequest) -> Any:
    return SERVERS[request.param]


@pytest.mark.parametrize("message", ["text", LONG, b"", b"bytes" * 20000, bytearray(b"array")])
async def test_every_client_gets_the_message(serve: Any, message: Any) -> None:
    gathering = Gathering()
    async with serve(gathering) as url, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(peer.connect(url)) for _ in range(3)]
        connections = await gathering.wait_for(3)
        assert broadcast(connections, message) == BroadcastReport(3, [], [])
        for client in clients:
            assert await client.recv() == message


async def test_a_memoryview_with_gaps_is_sent_whole(serve: Any) -> None:
    gathering = Gathering()
    async with serve(gathering) as url, peer.connect(url) as client:
        connections = await gathering.wait_for(1)
        broadcast(connections, memoryview(b"a1b2c3")[::2])
        assert await client.recv() == b"abc"


async def test_clients_broadcast_masked_frames() -> None:
    got = asyncio.Queue[str]()

    async def handler(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        ws = aiohttp.web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        await got.put((await ws.receive()).data)
        return ws

    app = aiohttp.web.Application()
    app.router.add_get("/", handler)
    async with (
        aiohttp.test_utils.TestServer(app) as server,
        aiohttp_ws.ClientSession() as session,
        session.ws_connect(f"ws://127.0.0.1:{server.port}/") as one,
        session.ws_connect(f"ws://127.0.0.1:{server.port}/") as other,
    ):
        assert broadcast([one, other], "hello").sent == 2
        assert [await got.get(), await got.get()] == ["hello", "hello"]


@pytest.mark.parametrize("bits", [9, 12, 15])
async def test_each_agreement_on_compression_gets_a_frame_it_can_inflate(
    serve: Any, bits: int
) -> None:
    gathering = Gathering()
    options = DeflateOptions(server_max_window_bits=bits)
    settings = {"compress": options} if serve is web_server else {"compression": options}
    async with serve(gathering, **settings) as url, contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(peer.connect(url, compression=compression))
            for compression in ("deflate", "deflate", None)
        ]
        connections = await gathering.wait_for(3)
        for round in range(3):
            # Between two broadcasts the connection's own compressor sends.
            await clients[0].send("tell me")
            assert await clients[0].recv() == "tell me"
            message = f"{round} {LONG}"
            assert broadcast(connections, message).sent == 3
            for client in clients:
                assert await client.recv() == message


async def test_a_broadcast_between_reads_keeps_its_place(serve: Any) -> None:
    gathering = Gathering()
    async with serve(gathering) as url, peer.connect(url) as client:
        (connection,) = await gathering.wait_for(1)
        for number in range(50):
            if isinstance(connection, aiohttp_ws.WSTransport):
                connection.send(WSMsgType.TEXT, f"own {number}")
            else:
                await connection.send_str(f"own {number}")
            broadcast([connection], f"all {number}")
        for number in range(50):
            assert await client.recv() == f"own {number}"
            assert await client.recv() == f"all {number}"


async def fill(connection: Any) -> None:
    """Send until the output of *connection* piles up behind a client that does not read."""
    for _ in range(400):
        broadcast([connection], bytes(65536), high_water=None)


async def test_slow_connections_are_left_out_and_reported(serve: Any) -> None:
    gathering = Gathering()
    async with serve(gathering) as url, peer.connect(url) as reads:
        (fast,) = await gathering.wait_for(1)
        _, writer = await idle_client(url)
        slow = (await gathering.wait_for(2))[1]
        await fill(slow)
        report = broadcast([fast, slow], "news", high_water=1 << 20)
        assert report == BroadcastReport(1, [slow], [])
        assert await reads.recv() == "news"
        writer.transport.abort()


async def test_slow_connections_are_closed_on_request(serve: Any) -> None:
    gathering = Gathering()
    async with serve(gathering) as url:
        reader, writer = await idle_client(url)
        (slow,) = await gathering.wait_for(1)
        await fill(slow)
        assert broadcast([slow], "news", slow="close").slow == [slow]
        assert broadcast([slow], "more").closed == [slow]
        received = await reader.read()
        payload = b"\x03\xf5more than 1048576 bytes of output are unread"
        assert received.endswith(b"\x88" + bytes([len(payload)]) + payload)
        writer.close()


async def idle_client(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket by hand, and read nothing more than the answer."""
    port = int(url.rsplit(":", 1)[1].rstrip("/"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_closed_connections_are_passed_over(serve: Any) -> None:
    gathering = Gathering()
    async with serve(gathering) as url, peer.connect(url) as stays:
        goes = await peer.connect(url)
        connections = await gathering.wait_for(2)
        await goes.close()
        while not (report := broadcast(connections, "news")).closed:
            await stays.recv()
        assert report.sent == 1
        assert report.closed == [connections[1]]


async def test_nothing_is_put_between_the_fragments_of_a_message() -> None:
    gathering = Gathering()
    async with frame_server(gathering) as url, peer.connect(url) as client:
        (transport,) = await gathering.wait_for(1)
        transport.send(WSMsgType.TEXT, "first, ", fin=False)
        assert broadcast([transport], "news").slow == [transport]
        transport.send(WSMsgType.CONTINUATION, "last")
        assert broadcast([transport], "news").sent == 1
        assert [await client.recv(), await client.recv()] == ["first, last", "news"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([], 5), "message must be str or bytes-like, not int"),
        (([object()], "x"), "object is not a WebSocket connection: pass WebSocketResponse"),
    ],
)
def test_what_is_no_message_or_connection_is_refused(arguments: Any, error: str) -> None:
    with pytest.raises(TypeError, match=error):
        broadcast(*arguments)


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="slow='drop' must be 'skip' or 'close'"):
        broadcast([], "x", slow="drop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="high_water=-1 is negative"):
        broadcast([], "x", high_water=-1)
