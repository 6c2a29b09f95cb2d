"""A program for ``test_run_app.py``: ``python -m tests.web.run_app_program '{"port": 0}'``.

The JSON object holds the arguments of ``run_app()``; ``"as"`` says how the application is given.
"""

import asyncio
import json
import os
import signal
import sys

from aiohttp_ws import web


async def hello(request):
    return web.Response(text=type(asyncio.get_running_loop()).__module__)


async def slow(request):
    print("handling", flush=True)
    await asyncio.sleep(0.3)
    print("handled", flush=True)
    return web.Response(text="slow")


async def websocket(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws


async def stop(request):
    os.kill(os.getpid(), getattr(signal, request.match_info["signal"]))
    return web.Response(text="stopping")


def make_app():
    app = web.Application()
    app.add_routes(
        [
            web.get("/", hello),
            web.get("/slow", slow),
            web.get("/ws", websocket),
            web.get("/kill/{signal}", stop),
        ]
    )
    for name in ("on_startup", "on_shutdown", "on_cleanup"):

        async def say(app, name=name):
            print(name, flush=True)

        getattr(app, name).append(say)
    return app


async def make_app_later():
    await asyncio.sleep(0)
    return make_app()


async def fail():
    raise ValueError("no application today")


def main():
    options = json.loads(sys.argv[1])
    make = {"object": make_app, "coroutine": make_app_later, "failure": fail}
    app = make[options.pop("as", "object")]()
    if "files" in options:
        app.router.add_static("/files", options.pop("files"))
    if options.pop("own_loop", False):
        options["loop"] = asyncio.new_event_loop()
    web.run_app(app, **options)
    print("returned")


if __name__ == "__main__":
    main()
