"""Both ends at the web API: ``WebSocketResponse`` and ``ClientSession.ws_connect``."""

import asyncio
import contextlib
import importlib


async def serve(library, port: int) -> None:
    web = importlib.import_module(f"{library.__name__}.web")

    async def handler(request):
        ws = web.WebSocketResponse(compress=True, max_msg_size=0)
        await ws.prepare(request)
        await echo_messages(library, ws)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def echo(library, url: str) -> None:
    async with (
        library.ClientSession() as session,
        session.ws_connect(url, compress=15, max_msg_size=0) as ws,
    ):
        await echo_messages(library, ws)


async def echo_messages(library, ws) -> None:
    # A peer that broke the protocol after its message cannot be answered any more.
    with contextlib.suppress(ConnectionError):
        async for message in ws:
            if message.type is library.WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is library.WSMsgType.BINARY:
                await ws.send_bytes(message.data)


async def first_message(library, url: str) -> str | None:
    """The first message of a connection; ``None`` where it is closed without one."""
    async with library.ClientSession() as session, session.ws_connect(url) as ws:
        return (await ws.receive()).data
