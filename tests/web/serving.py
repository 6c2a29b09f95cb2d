"""A running application and two ways to talk to it: bytes, and aiohttp's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from multidict import CIMultiDict

from aiohttp_ws import web


@dataclass
class Answer:
    """A response as it came off the wire, of a connection that was closed after it."""

    status: int
    reason: str
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""


@dataclass
class Site:
    """A listening application."""

    runner: web.AppRunner
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(self, data: bytes) -> bytes:
        """Send *data* as it is; return everything until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()

    async def ask(self, target: str, method: str = "GET", **headers: str) -> Answer:
        """Send one request; underscores in the names of *headers* stand for hyphens."""
        fields = {"Host": "example.org", "Connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items()), "", ""]
        raw = await self.send("\r\n".join(lines).encode())
        head, _, body = raw.partition(b"\r\n\r\n")
        status_line, *rest = head.decode().split("\r\n")
        _, status, reason = status_line.split(" ", 2)
        received: CIMultiDict[str] = CIMultiDict()
        for line in rest:
            name, _, value = line.partition(": ")
            received.add(name, value)
        return Answer(int(status), reason, received, body)


@asynccontextmanager
async def serving(app: web.Application, **options: object) -> AsyncIterator[Site]:
    """Run *app* on a free port."""
    runner = web.AppRunner(app, **options)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield Site(runner, site.port)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def aiohttp_talking_to(app: web.Application) -> AsyncIterator[aiohttp.ClientSession]:
    """aiohttp's client session, with *app* as its base URL."""
    async with serving(app) as site, aiohttp.ClientSession(site.url) as session:
        yield session
