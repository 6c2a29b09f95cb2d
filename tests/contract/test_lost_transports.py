"""What a server keeps of clients that reset their connections: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import trustme

from aiohttp_ws import WSListener, WSTransport, web, ws_create_server
from aiohttp_ws.websockets import ConnectionClosed, serve
from tests.transport_matrix import Kind, run

CLIENTS = 50
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
# Answered by each server, and the connection kept or closed.
REFUSED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Ends:
    """Counts the connections that have ended."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = asyncio.Event()

    def add(self) -> None:
        self.count += 1
        self.changed.set()

    async def wait_for(self, count: int) -> None:
        while self.count < count:
            self.changed.clear()
            await self.changed.wait()


@contextlib.asynccontextmanager
async def web_server(context: ssl.SSLContext, ends: Ends) -> AsyncIterator[int]:
    async def handler(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        ends.add()
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, use_aiofastnet=True)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@contextlib.asynccontextmanager
async def message_server(context: ssl.SSLContext, ends: Ends) -> AsyncIterator[int]:
    async def handler(connection: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            await connection.recv()
        ends.add()

    async with serve(handler, "127.0.0.1", 0, ssl=context, use_aiofastnet=True) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def frame_server(context: ssl.SSLContext, ends: Ends) -> AsyncIterator[int]:
    class Listener(WSListener):
        def on_ws_disconnected(self, transport: WSTransport) -> None:
            ends.add()

    async with await ws_create_server(
        lambda request: Listener(), "127.0.0.1", 0, ssl=context, use_aiofastnet=True
    ) as server:
        yield server.sockets[0].getsockname()[1]


SERVERS: dict[str, Callable[[ssl.SSLContext, Ends], Any]] = {
    "web": web_server,
    "messages": message_server,
    "frames": frame_server,
}


def shake_hands(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    sock = socket.create_connection(("127.0.0.1", port))
    return context.wrap_socket(sock, server_hostname="localhost")


def reset_after(request: bytes, tls: ssl.SSLSocket) -> None:
    """Send *request* and reset the connection: the server reads both in one go."""
    tls.sendall(request)
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    tls.close()


def kept() -> int:
    gc.collect()
    return sum(type(each).__name__ == "SSLTransport_Socket" for each in gc.get_objects())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("api", SERVERS)
@pytest.mark.parametrize("request_", [UPGRADE, REFUSED], ids=["upgrade", "refused"])
def test_a_server_keeps_nothing_of_clients_that_reset_after_their_request(
    api: str, loop: str, request_: bytes
):
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def main() -> None:
        ends = Ends()
        running = asyncio.get_running_loop()
        async with SERVERS[api](serving, ends) as port:
            before = kept()
            for _ in range(CLIENTS):
                tls = await running.run_in_executor(None, shake_hands, port, trusting)
                reset_after(request_, tls)
            # What the last of them left is read and closed within a few iterations.
            for _ in range(20):
                await asyncio.sleep(0)
            assert kept() == before

    run(Kind(loop, tls=True, fast=True), main)
