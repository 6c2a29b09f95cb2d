"""Servers and clients of every API over every kind of transport."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from aiohttp_ws import ClientSession, TCPConnector, WSListener, web, ws_connect, ws_create_server
from aiohttp_ws.wire.frames import encode_frame
from tests.loops import LOOPS

PATIENCE = 30
SMALL = [b"a", b"b" * 200, b"c" * 70_000, b"d"]
# More than any kernel keeps for a connection between two ends of one machine.
FLOOD = bytes(range(256)) * 65_536
OPENING = (
    b"GET /%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Kind(NamedTuple):
    """One combination."""

    loop: str
    tls: bool
    fast: bool

    def __str__(self) -> str:
        return "-".join((self.loop, "tls" if self.tls else "plain", *["aiofastnet"] * self.fast))


KINDS = [
    Kind(loop, tls, fast)
    for loop in ("asyncio", "uvloop")
    for tls in (False, True)
    for fast in (False, True)
]


def run(kind: Kind, main: Callable[[], Awaitable[None]]) -> None:
    """Run *main* in a new loop of the kind, in a thread that no other loop has used."""
    if kind.fast:
        pytest.importorskip("aiofastnet")
    try:
        loop = LOOPS[kind.loop]()
    except pytest.UsageError as absent:
        pytest.skip(str(absent))
    raised: list[BaseException] = []
    reports: list[dict[str, Any]] = []

    def work() -> None:
        loop.set_exception_handler(lambda _, context: reports.append(context))
        with contextlib.closing(loop):
            try:
                loop.run_until_complete(asyncio.wait_for(main(), PATIENCE))
                loop.run_until_complete(loop.shutdown_asyncgens())
            except BaseException as exc:
                raised.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    assert [str(report) for report in reports] == []


class Servers:
    """A web and a frame server that behave alike: by the path ``/echo``, ``/flood`` or ``/late``.

    ``/flood`` sends FLOOD and SMALL without waiting, and sets :attr:`full`; ``/late`` listens only
    when its transport reads no more, and then answers with the number of bytes that came.
    """

    def __init__(self, kind: Kind, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
        self.kind = kind
        self.server_context, self.client_context = contexts if kind.tls else (None, None)
        self.full = asyncio.Event()
        self.ended: asyncio.Queue[int | None] = asyncio.Queue()
        self.ports: dict[str, int] = {}

    # ------------------------------------------------------------------ the web API

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        transport = request.transport
        assert transport is not None
        check_transport(transport, self.kind)
        ws = web.WebSocketResponse(compress=False, max_msg_size=0)
        await ws.prepare(request)
        if request.path == "/flood":
            sends = [asyncio.ensure_future(ws.send_bytes(data)) for data in (FLOOD, *SMALL)]
            await asyncio.sleep(0)
            assert transport.get_write_buffer_size() > 0
            self.full.set()
            await asyncio.gather(*sends)
        elif request.path == "/late":
            while transport.is_reading():  # noqa: ASYNC110
                await asyncio.sleep(0)
            total = 0
            while total < len(FLOOD):
                total += len(await ws.receive_bytes())
            await ws.send_bytes(b"%d" % total)
        async for message in ws:
            await ws.send_bytes(message.data)
        self.ended.put_nowait(ws.close_code)
        return ws

    # ---------------------------------------------------------------- the frame API

    def listener(self, request: Any) -> WSListener:
        return FrameEnd(self, request.path.decode())


class FrameEnd(WSListener):
    def __init__(self, servers: Servers, path: str) -> None:
        self.servers = servers
        self.path = path
        self.parts = b""
        self.close_code: int | None = 1006

    def on_ws_connected(self, transport: Any) -> None:
        lower = transport.underlying_transport
        check_transport(lower, self.servers.kind)
        self.total = 0
        if self.path == "/flood":
            for data in (FLOOD, *SMALL):
                transport.send(2, data)
            asyncio.get_running_loop().call_soon(self.check_full, transport)

    def check_full(self, transport: Any) -> None:
        assert transport.underlying_transport.get_write_buffer_size() > 0
        for data in SMALL:
            transport.send(2, data)
        self.servers.full.set()

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == 8:
            self.close_code = frame.get_close_code()
            transport.send_close(self.close_code)
            transport.disconnect()
        elif self.path == "/late":
            self.total += frame.payload_size
            # In the middle of what was read: the rest must come when reading goes on.
            lower = transport.underlying_transport
            lower.pause_reading()
            asyncio.get_running_loop().call_soon(lower.resume_reading)
            if self.total >= len(FLOOD):
                self.path = "/echo"
                transport.send(2, b"%d" % self.total)
        else:
            self.parts += frame.get_payload_as_bytes()
            if frame.fin:
                transport.send(2, self.parts)
                self.parts = b""

    def on_ws_disconnected(self, transport: Any) -> None:
        self.servers.ended.put_nowait(self.close_code)


def check_transport(transport: Any, kind: Kind) -> None:
    assert type(transport).__module__.startswith("aiofastnet.") == kind.fast
    assert (transport.get_extra_info("sslcontext") is not None) == kind.tls
    assert (transport.get_extra_info("cipher") is not None) == kind.tls
    assert (transport.get_extra_info("ssl_object") is not None) == kind.tls
    assert transport.get_extra_info("peername") is not None
    assert transport.get_extra_info("socket").fileno() >= 0


@contextlib.asynccontextmanager
async def serving(
    kind: Kind, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> AsyncIterator[Servers]:
    servers = Servers(kind, contexts)
    app = web.Application()
    for path in ("/echo", "/flood", "/late"):
        app.router.add_get(path, servers.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(
        runner, "127.0.0.1", 0, ssl_context=servers.server_context, use_aiofastnet=kind.fast
    )
    await site.start()
    frames = await ws_create_server(
        servers.listener,
        "127.0.0.1",
        0,
        ssl=servers.server_context,
        use_aiofastnet=kind.fast,
        max_frame_size=1 << 28,
    )
    servers.ports = {"web": site.port, "frames": frames.sockets[0].getsockname()[1]}
    try:
        yield servers
    finally:
        frames.close()
        await runner.cleanup()


# ------------------------------------------------------------------------------- clients


class Client(NamedTuple):
    """Sends a message, and returns the next one."""

    send: Callable[[bytes], Awaitable[None]]
    receive: Callable[[], Awaitable[bytes]]


@contextlib.asynccontextmanager
async def web_client(servers: Servers, port: int, path: str) -> AsyncIterator[Client]:
    scheme = "https" if servers.kind.tls else "http"
    connector = TCPConnector(ssl=servers.client_context or True, use_aiofastnet=servers.kind.fast)
    async with (
        ClientSession(connector=connector) as session,
        session.ws_connect(f"{scheme}://127.0.0.1:{port}/{path}", max_msg_size=0) as ws,
    ):
        peer = ws.get_extra_info("peercert")
        assert ("subjectAltName" in peer) if servers.kind.tls else (peer is None)

        yield Client(ws.send_bytes, ws.receive_bytes)
    assert ws.close_code == 1000


@contextlib.asynccontextmanager
async def frame_client(servers: Servers, port: int, path: str) -> AsyncIterator[Client]:
    scheme = "wss" if servers.kind.tls else "ws"
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    class Queueing(WSListener):
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type == 8:
                transport.disconnect()
            else:
                queue.put_nowait(frame.get_payload_as_bytes())

    transport, _ = await ws_connect(
        Queueing,
        f"{scheme}://127.0.0.1:{port}/{path}",
        ssl_context=servers.client_context,
        use_aiofastnet=servers.kind.fast,
        max_frame_size=1 << 28,
    )

    async def send(data: bytes) -> None:
        transport.send(2, data)

    yield Client(send, queue.get)
    transport.send_close(1000)
    await transport.wait_disconnected()


class RawClient:
    """Bytes in and out, over the loop's own transports; reads only when asked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes, piece: int) -> None:
        for start in range(0, len(data), piece):
            self.writer.write(data[start : start + piece])
            await self.writer.drain()
            await asyncio.sleep(0)

    async def receive(self) -> bytes:
        head = await self.reader.readexactly(2)
        assert head[0] == 0x82
        size = head[1]
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return await self.reader.readexactly(size)


async def raw_client(servers: Servers, port: int, path: str, piece: int = 1 << 20) -> RawClient:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=servers.client_context)
    client = RawClient(reader, writer)
    await client.send(OPENING % path.encode(), piece)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return client


def masked(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return encode_frame(opcode, payload, mask=b"\x11\x22\x33\x44", fin=fin)
