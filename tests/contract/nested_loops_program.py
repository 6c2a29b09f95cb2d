"""A task that a message has woken runs the loop again: ``nested_loops_program.py PATCH API ROLE``.

PATCH is the module that lets loops be nested, as notebooks do: nest_asyncio or nest_asyncio2.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

from aiohttp_ws import ClientSession, web, websockets

ROUNDS = 20


def text_of(message: Any) -> str:
    return message if isinstance(message, str) else message.data  # type: ignore[no-any-return]


async def answering(api: str, end: Any) -> None:
    """Send back what comes."""
    async for message in end:
        await (end.send if api == "messages" else end.send_str)(text_of(message))


async def asking(api: str, end: Any) -> None:
    """Ask, and having the answer ask again from within a loop of its own."""
    loop = asyncio.get_running_loop()
    send, receive = (end.send, end.recv) if api == "messages" else (end.send_str, end.receive)

    async def ask(question: str) -> str:
        await send(question)
        return text_of(await receive())

    for index in range(ROUNDS):
        assert await ask(f"outer {index}") == f"outer {index}"
        assert loop.run_until_complete(ask(f"inner {index}")) == f"inner {index}"
        await send(f"last {index}")
        assert text_of(loop.run_until_complete(receive())) == f"last {index}"
    await end.close()


async def main(api: str, role: str) -> None:
    at_server, at_client = (asking, answering) if role == "server" else (answering, asking)
    over = asyncio.get_running_loop().create_future()

    async def serve(end: Any) -> None:
        try:
            await at_server(api, end)
        except BaseException as exc:
            over.set_exception(exc)
            raise
        over.set_result(None)

    if api == "messages":
        async with websockets.serve(serve, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
                await at_client(api, client)
                await over
    else:

        async def handler(request: web.Request) -> web.WebSocketResponse:
            ws = web.WebSocketResponse()
            await ws.prepare(request)
            await serve(ws)
            return ws

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with (
            ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{site.port}/") as client,
        ):
            await at_client(api, client)
            await over
        await runner.cleanup()


if __name__ == "__main__":
    patch, *chosen = sys.argv[1:]
    importlib.import_module(patch).apply()
    asyncio.run(asyncio.wait_for(main(*chosen), 40))
    print("all answered")
