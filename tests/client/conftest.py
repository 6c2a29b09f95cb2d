"""A session of ours, and two kinds of server that nobody here wrote, or that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from aiohttp_ws.client import ClientSession, CookieJar

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[URL]]]:
    """Start a server of real aiohttp for one handler, or for several by path."""
    servers: list[TestServer] = []

    async def start(handler: Handler | dict[str, Handler], **kwargs: Any) -> URL:
        app = web.Application(client_max_size=64 * 2**20)
        routes = handler if isinstance(handler, dict) else {"/{tail:.*}": handler}
        for path, route in routes.items():
            app.router.add_route("*", path, route)
        server = TestServer(app, scheme="https" if "ssl" in kwargs else "http")
        await server.start_server(**kwargs)
        servers.append(server)
        return server.make_url("/")

    yield start
    for server in servers:
        await server.close()


class RawServer:
    """Runs a coroutine on each connection; counts them."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.requests: list[bytes] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = URL(f"http://{host}:{port}/")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """Read the head of a request."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        return head

    async def stop(self) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def raw() -> AsyncIterator[Callable[..., Awaitable[RawServer]]]:
    """Start a server that answers each request with given bytes, or that runs a coroutine.

    ``raw(b"...")`` answers each request with these bytes and keeps the connection;
    ``raw(b"...", close=True)`` closes it after the first answer.
    """
    servers: list[RawServer] = []

    async def start(answer: bytes | Talk, close: bool = False) -> RawServer:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert isinstance(answer, bytes)
            while True:
                await server.head(reader)
                writer.write(answer)
                await writer.drain()
                if close:
                    return

        server = RawServer(talk if isinstance(answer, bytes) else answer)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()
