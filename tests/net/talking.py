"""The client's end of a transport, as the tests of connecting have it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from aiohttp_ws.net.dial import open_transport
from aiohttp_ws.wire.url import WSParsedURL, parse_url


class Talk(asyncio.BufferedProtocol):
    """Sends, and waits for as many bytes; a BufferedProtocol, as the engine's are."""

    def __init__(self) -> None:
        self.buffer = bytearray(1000)
        self.received = b""
        self.wanted = 0
        self.answer: asyncio.Future[bytes] | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received += self.buffer[:nbytes]
        if self.answer is not None and len(self.received) >= self.wanted:
            self.answer.set_result(self.received)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)

    async def ask(self, data: bytes) -> bytes:
        self.wanted = len(data)
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await self.answer


@contextlib.asynccontextmanager
async def dial(url: str | WSParsedURL, **settings: Any) -> AsyncIterator[Talk]:
    """Connect; the transport is closed at the end of the block."""
    parsed = parse_url(url) if isinstance(url, str) else url
    transport, talk = await open_transport(
        Talk, parsed, loop=asyncio.get_running_loop(), **settings
    )
    assert isinstance(talk, Talk)
    assert talk.transport is transport
    try:
        yield talk
    finally:
        transport.abort()
        await talk.lost


async def talk_to(url: str, **settings: Any) -> bytes:
    """Connect, say hello and return the answer."""
    async with dial(url, **settings) as talk:
        return await talk.ask(b"hello")
