"""Connected ends: one of this library and one of websockets, in either role."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from aiohttp_ws import websockets as ours
from tests.peers import import_peer

theirs = import_peer("websockets")

LIBRARIES: dict[str, ModuleType] = {"aiohttp_ws": ours, "websockets": theirs}
ROLES = ["server", "client"]
# (server, client), ours on one side at least.
SIDES = [("aiohttp_ws", "aiohttp_ws"), ("aiohttp_ws", "websockets"), ("websockets", "aiohttp_ws")]


def url_of(server: Any, path: str = "/", scheme: str = "ws") -> str:
    port = next(iter(server.sockets)).getsockname()[1]
    return f"{scheme}://127.0.0.1:{port}{path}"


async def stay(connection: Any) -> None:
    """A handler that leaves its connection to the test."""
    await connection.wait_closed()


@contextlib.asynccontextmanager
async def connected(
    role: str, *, our: dict[str, Any] | None = None, their: dict[str, Any] | None = None
) -> AsyncIterator[tuple[Any, Any]]:
    """Give ``(ours, theirs)``, two ends of one connection; ours is the *role*."""
    our, their = our or {}, their or {}
    serving, connecting = (ours, theirs) if role == "server" else (theirs, ours)
    at_server, at_client = (our, their) if role == "server" else (their, our)
    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(connection: Any) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    async with (
        serving.serve(handler, "127.0.0.1", 0, **at_server) as server,
        connecting.connect(url_of(server), **at_client) as client,
    ):
        yield (await accepted, client) if role == "server" else (client, await accepted)


UPGRADE = (
    "GET /path?query HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


async def answer_to(server: Any, request: str) -> str:
    """What *server* answers to a request that it refuses."""
    reader, writer = await asyncio.open_connection(*url_of(server)[5:-1].split(":"))
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


@contextlib.asynccontextmanager
async def serving(handler: Any = echo, **kwargs: Any) -> AsyncIterator[Any]:
    """A server of this library."""
    async with ours.serve(handler, "127.0.0.1", 0, **kwargs) as server:
        yield server


async def rounds(count: int = 5) -> None:
    """Let other tasks run up to what they wait for."""
    for _ in range(count):
        await asyncio.sleep(0)
