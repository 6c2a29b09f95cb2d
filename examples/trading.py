"""Two kinds of WebSocket on one port: ``python examples/trading.py``.

The chat at ``/chat`` is a handler with a loop, which is comfortable. The prices at ``/prices`` are
a frame listener, which is quick: no task a connection, and a frame for all is made once. Both
run after the same middleware. See the prices with ``python examples/trading.py watch``.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator

from aiohttp_ws import (
    ClientSession,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    broadcast,
    web,
)
from aiohttp_ws.typedefs import Handler

PORT = int(os.environ.get("PORT", "8080"))
PERIOD = 0.05  # seconds

CHATTING = web.AppKey("CHATTING", set[web.WebSocketResponse])
WATCHING = web.AppKey("WATCHING", set[WSTransport])


class Watcher(WSListener):
    """One that is sent the prices; it has nothing to say."""

    def __init__(self, watching: set[WSTransport]) -> None:
        self.watching = watching

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.watching.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.watching.discard(transport)


async def prices(request: web.Request) -> web.StreamResponse:
    # The connection goes on when this has returned.
    return web.WebSocketListenerResponse(Watcher(request.app[WATCHING]), enable_auto_ping=True)


async def chat(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse(heartbeat=20)
    await ws.prepare(request)
    chatting = request.app[CHATTING]
    chatting.add(ws)
    try:
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                broadcast(chatting, f"{request['name']}: {message.data}")
    finally:
        chatting.discard(ws)
    return ws


@web.middleware
async def known_by_name(request: web.Request, handler: Handler) -> web.StreamResponse:
    name = request.query.get("name")
    if not name:
        raise web.HTTPUnauthorized(text="say who you are: ?name=...")
    request["name"] = name
    return await handler(request)


async def market(app: web.Application) -> AsyncIterator[None]:
    async def run() -> None:
        price = 100.0
        while True:
            await asyncio.sleep(PERIOD)
            price = max(1.0, price + random.gauss(0, 0.1))
            broadcast(app[WATCHING], f"{price:.2f}")

    task = asyncio.create_task(run())
    yield
    task.cancel()


def application() -> web.Application:
    app = web.Application(middlewares=[known_by_name])
    app[CHATTING] = set()
    app[WATCHING] = set()
    app.cleanup_ctx.append(market)
    app.router.add_get("/prices", prices)
    app.router.add_get("/chat", chat)
    return app


async def watch() -> None:
    url = f"ws://127.0.0.1:{PORT}/prices?name=watcher"
    async with ClientSession() as session, session.ws_connect(url) as ws:
        async for message in ws:
            print(message.data, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["watch"]:
        try:
            asyncio.run(watch())
        except (KeyboardInterrupt, BrokenPipeError):
            pass
    else:
        web.run_app(application(), host="127.0.0.1", port=PORT)
