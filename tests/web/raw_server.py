"""A low-level server with one handler, and a client that sends it bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp_ws import web
from tests.client.waiting import until

HOST = b"Host: example.org\r\n"
CLOSE = "Connection: close"


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


async def echo(request: web.BaseRequest) -> web.Response:
    return web.Response(body=await request.read())


def get(target: str = "/", *fields: str, version: str = "1.1", method: str = "GET") -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {target} HTTP/{version}", "Host: example.org", *fields, "", ""]
    return "\r\n".join(lines).encode()


def post(body: bytes, *fields: str, target: str = "/") -> bytes:
    """The bytes of a request with a body of known length."""
    return get(target, f"Content-Length: {len(body)}", *fields, method="POST") + body


@dataclass
class Peer:
    """A client's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[bytes, bytes]:
        """Head and body of one response, framed by its headers."""
        return await asyncio.wait_for(self._answer(), 10)

    async def _answer(self) -> tuple[bytes, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"\r\ncontent-length: " in lower:
            size = int(lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
            return head, await self.reader.readexactly(size)
        if b"\r\ntransfer-encoding: chunked" in lower:
            return head, await self._chunks()
        return head, b""

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def ask(self, data: bytes) -> tuple[bytes, bytes]:
        self.send(data)
        return await self.answer()

    def close(self) -> None:
        self.writer.close()


@dataclass
class RawServer:
    """A listening server."""

    server: web.Server
    port: int

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Peer(reader, writer)
        finally:
            writer.close()

    async def exchange(self, data: bytes) -> bytes:
        """Send *data* on a connection of its own; return all until the server closes."""
        async with self.connect() as peer:
            peer.send(data)
            return await peer.rest()


async def until_gone(server: web.Server) -> None:
    """Wait until *server* knows that its clients left: nobody tells when."""
    while server.connections:  # noqa: ASYNC110
        await asyncio.sleep(0)


@asynccontextmanager
async def running(handler: Any, **options: Any) -> AsyncIterator[RawServer]:
    """Serve *handler* on a free port."""
    server = web.Server(handler, **options)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield RawServer(server, listening.sockets[0].getsockname()[1])
    finally:
        listening.close()
        await server.shutdown(1)


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


async def until_unread(server, peer, sending):
    """Wait until *server* reads no more and *peer* keeps what it has to send; or all is sent."""
    (connection,) = server.server.connections
    reads = connection.transport.is_reading
    keeps = peer.writer.transport.get_write_buffer_size
    await until(lambda: (not reads() and keeps() > 0) or sending.done())
