"""Send the same to everyone: ``python examples/broadcast.py``.

A background task makes up the price of a share four times a second, and every connection to
``/prices`` is sent each one. Watch it with ``python examples/broadcast.py watch``.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator

from aiohttp_ws import ClientSession, WSMsgType, web

PERIOD = 0.25  # seconds
PORT = int(os.environ.get("PORT", "8080"))


class Feed:
    """The newest price. A slow reader misses some of them and holds up no one."""

    def __init__(self) -> None:
        self._price = 100.0
        self._news = asyncio.Event()

    def publish(self, price: float) -> None:
        self._price = price
        self._news.set()
        self._news = asyncio.Event()

    async def next(self) -> float:
        await self._news.wait()
        return self._price

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self.publish(max(1.0, self._price + random.gauss(0, 0.4)))


FEED = web.AppKey("FEED", Feed)


async def prices(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(heartbeat=20)
    await ws.prepare(request)
    # This handler only sends. Pings are answered all the same, and a watcher that leaves, or
    # is found dead by the heartbeat, ends the loop.
    try:
        while not ws.closed:
            await ws.send_json({"price": round(await request.app[FEED].next(), 2)})
    except ConnectionError:
        pass
    return ws


async def feed(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[FEED].run())
    yield
    task.cancel()


def application() -> web.Application:
    app = web.Application()
    app[FEED] = Feed()
    app.cleanup_ctx.append(feed)
    app.router.add_get("/prices", prices)
    return app


async def watch(url: str) -> None:
    async with ClientSession() as session, session.ws_connect(url) as ws:
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                print(message.json()["price"], flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["watch"]:
        try:
            asyncio.run(watch(f"ws://127.0.0.1:{PORT}/prices"))
        except (KeyboardInterrupt, BrokenPipeError):
            pass
    else:
        web.run_app(application(), host="127.0.0.1", port=PORT)
