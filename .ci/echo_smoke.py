"""An echo through the package that is installed in the environment named by the argument."""

import asyncio
import sys
from pathlib import Path

import aiohttp_ws
from aiohttp_ws import ClientSession, web
from aiohttp_ws.test_utils import TestServer


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def main() -> None:
    app = web.Application()
    app.router.add_get("/", echo)
    async with (
        TestServer(app) as server,
        ClientSession() as session,
        session.ws_connect(server.make_url("/")) as ws,
    ):
        await ws.send_str("echo")
        assert await ws.receive_str() == "echo"


assert Path(sys.argv[1]).resolve() in Path(aiohttp_ws.__file__).resolve().parents
asyncio.run(main())
print(f"the wheel of {aiohttp_ws.__version__} works")
