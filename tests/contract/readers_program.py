"""A task that goes on after its connection's end: ``readers_program.py API TASK ROLE``.

Prints the ways in which a connection ended with the loop still running. A loop that never waits
is ended by a timer that counts the processor's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp_ws import ClientSession, WSMsgType, web, websockets

SECONDS = 1.0
ENDINGS = ["close", "peer", "lost"]


async def while_not_closed(ws: Any) -> None:
    while not ws.closed:
        await ws.receive()


async def until_told(ws: Any) -> None:
    while True:
        message = await ws.receive()
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            break


async def with_a_timeout(ws: Any) -> None:
    while not ws.closed:
        with contextlib.suppress(asyncio.TimeoutError):
            await ws.receive(timeout=0.01)


async def iterating(end: Any) -> None:
    async for _ in end:
        pass


async def receiving_for_ever(ws: Any) -> None:
    while True:
        await ws.receive()


async def sending_for_ever(ws: Any) -> None:
    while True:
        with contextlib.suppress(ConnectionError):
            await ws.send_str("tick")


async def recv_for_ever(connection: Any) -> None:
    while True:
        with contextlib.suppress(websockets.ConnectionClosed):
            await connection.recv()


async def send_for_ever(connection: Any) -> None:
    while True:
        with contextlib.suppress(websockets.ConnectionClosed):
            await connection.send("tick")


# Whether a task ends by itself; the others are cancelled.
ENDS = {while_not_closed, until_told, with_a_timeout, iterating}
TASKS: dict[str, dict[str, Callable[[Any], Awaitable[None]]]] = {
    "web": {
        "while not closed": while_not_closed,
        "until told": until_told,
        "with a timeout": with_a_timeout,
        "iterating": iterating,
        "receiving for ever": receiving_for_ever,
        "sending for ever": sending_for_ever,
    },
    "messages": {
        "iterating": iterating,
        "receiving for ever": recv_for_ever,
        "sending for ever": send_for_ever,
    },
}


@contextlib.asynccontextmanager
async def pair(api: str) -> AsyncIterator[tuple[Any, Any]]:
    """The server's and the client's end of one connection of ours."""
    opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        if api == "messages":

            async def stay(connection: Any) -> None:
                opened.set_result(connection)
                await over.wait()

            server = await stack.enter_async_context(websockets.serve(stay, "127.0.0.1", 0))
            port = next(iter(server.sockets)).getsockname()[1]
            uri = f"ws://127.0.0.1:{port}/"
            client: Any = await websockets.connect(uri, proxy=None, close_timeout=1)
        else:

            async def handler(request: web.Request) -> web.WebSocketResponse:
                ws = web.WebSocketResponse(timeout=1)
                await ws.prepare(request)
                opened.set_result(ws)
                await over.wait()
                return ws

            app = web.Application()
            app.router.add_get("/", handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            session = await stack.enter_async_context(ClientSession())
            client = await session.ws_connect(f"ws://127.0.0.1:{site.port}/")
        try:
            yield await opened, client
        finally:
            over.set()
            await client.close()


def abort(end: Any) -> None:
    if hasattr(end, "transport"):
        end.transport.abort()
    else:
        end.get_extra_info("socket").shutdown(2)


async def run(api: str, name: str, ends_by: str, role: str) -> None:
    async with pair(api) as ends:
        ours, theirs = ends if role == "server" else ends[::-1]
        task = asyncio.ensure_future(TASKS[api][name](ours))
        # Both ends read, as applications do: the peer answers our close frame.
        other = asyncio.ensure_future(iterating(theirs))
        await asyncio.sleep(0.01)
        if ends_by == "close":
            await ours.close()
        elif ends_by == "peer":
            await theirs.close()
        else:
            abort(theirs)
        for _ in range(20):
            await asyncio.sleep(0.001)
        if TASKS[api][name] in ENDS:
            with contextlib.suppress(websockets.ConnectionClosed):
                await task
        else:
            task.cancel()
            # A server's receive() raises RuntimeError in the end, as aiohttp's does.
            with contextlib.suppress(asyncio.CancelledError, RuntimeError):
                await task
        other.cancel()
        await asyncio.wait([other])
        if not other.cancelled():
            other.exception()


async def main(api: str, name: str, role: str) -> None:
    for ends_by in ENDINGS:
        await asyncio.wait_for(run(api, name, ends_by, role), 10)
        print(ends_by, flush=True)


if __name__ == "__main__":
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    asyncio.run(main(*sys.argv[1:]))
