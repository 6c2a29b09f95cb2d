"""What the tests of gunicorn's worker serve."""

import os

from aiohttp_ws import web


async def hello(request: web.Request) -> web.Response:
    loop = type(request.protocol.transport).__module__
    return web.json_response({"pid": os.getpid(), "loop": loop, "scheme": request.scheme})


async def slow(request: web.Request) -> web.StreamResponse:
    """Answer when the client has sent its second line, which it does after SIGTERM."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"begun\n")
    await request.content.readline()
    await request.content.readline()
    await response.write(b"done\n")
    return response


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def make_app() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/", hello), web.post("/slow", slow), web.get("/ws", echo)])
    return app


async def broken() -> web.Application:
    raise RuntimeError("no application today")


not_an_app = "text"
