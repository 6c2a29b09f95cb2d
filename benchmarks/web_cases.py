"""The cases of compare.py web: one application per library, and what wrk asks of it.

    python web_cases.py NAME CASE PORT [asyncio|uvloop]

serves CASE and prints "ready" when it listens. The libraries answer with the same bytes of body.
"""

import asyncio
import logging
import os
import sys
import tempfile

from servers import ready, uvicorn_server

KIB, MIB = 1024, 1024**2
FOLDER = os.path.join(tempfile.gettempdir(), "aiohttp_ws-bench-files")
MEMORY = b"m" * MIB
PIECE = b"p" * (64 * KIB)
DOCUMENT = (
    b'{"user": {"id": 1234, "name": "Ann Example", "tags": ["a", "b", "c"]}, "text": "%s"}'
    % (b"t" * (KIB - 86))
)
BOUNDARY = "d41d8cd98f00b204"


def form():
    """A form of ten files of 10 KiB."""
    part = (
        '--%s\r\nContent-Disposition: form-data; name="f%d"; filename="f%d.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n%s\r\n"
    )
    parts = (part % (BOUNDARY, i, i, "f" * (10 * KIB)) for i in range(10))
    return "".join(parts).encode() + f"--{BOUNDARY}--\r\n".encode()


def post(body, content_type):
    """A wrk script that sends *body*, from a file that is written beside it."""
    path = os.path.join(FOLDER, f"body-{len(body)}")
    write(path, body)
    return f"""
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "{content_type}"
        wrk.body = io.open("{path}", "rb"):read("*a")
    """


def walk(target):
    """A wrk script that asks for one route after another."""
    return f"""
        local n = 0
        request = function()
          n = (n + 37) % 100
          return wrk.format("GET", string.format("{target}", n, n))
        end
    """


#: case -> (target, a function that returns a wrk script or None, connections)
CASES = {
    "get": ("/", None, 64),
    "json": ("/json", lambda: post(DOCUMENT, "application/json"), 64),
    "routes": ("/r1/1", lambda: walk("/r%d/%d"), 64),
    "tenants": ("/t/x/r1/1", lambda: walk("/t/x/r%d/%d"), 64),
    "middlewares": ("/", None, 64),
    "static-1k": ("/static/1k.txt", None, 64),
    "static-1m": ("/static/1m.bin", None, 8),
    "stream": ("/stream", None, 8),
    "memory": ("/memory", None, 8),
    "upload": ("/upload", lambda: post(b"u" * MIB, "application/octet-stream"), 8),
    "multipart": ("/form", lambda: post(form(), f"multipart/form-data; boundary={BOUNDARY}"), 8),
}


def write(path, data):
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{path}.{os.getpid()}", "wb") as file:
        file.write(data)
    os.replace(file.name, path)


def write_files():
    write(os.path.join(FOLDER, "1k.txt"), b"s" * KIB)
    write(os.path.join(FOLDER, "1m.bin"), b"s" * MIB)


# ----------------------------------------------------------- aiohttp and ours
def aiohttp_app(web, case):
    async def hello(request):
        return web.Response(text="hello")

    async def json(request):
        return web.json_response(await request.json())

    async def item(request):
        return web.Response(text=request.match_info["item"])

    async def memory(request):
        return web.Response(body=MEMORY)

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(16):
            await response.write(PIECE)
        await response.write_eof()
        return response

    async def upload(request):
        return web.Response(text=str(len(await request.read())))

    async def post_form(request):
        data = await request.post()
        return web.Response(text=str(sum(len(field.file.read()) for field in data.values())))

    @web.middleware
    async def pass_on(request, handler):
        return await handler(request)

    app = web.Application(
        middlewares=[pass_on] * 10 if case == "middlewares" else (), client_max_size=4 * MIB
    )
    app.router.add_get("/", hello)
    app.router.add_post("/json", json)
    app.router.add_get("/memory", memory)
    app.router.add_get("/stream", stream)
    app.router.add_post("/upload", upload)
    app.router.add_post("/form", post_form)
    app.router.add_static("/static", FOLDER)
    if case in ("routes", "tenants"):
        for i in range(100):
            app.router.add_get(f"/r{i}/{{item}}", item)
            app.router.add_get(f"/t/{{tenant}}/r{i}/{{item}}", item)
    return app


async def serve_aiohttp(module, case, port):
    web = module.web
    runner = web.AppRunner(aiohttp_app(web, case), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ready()
    await asyncio.Event().wait()


# ------------------------------------------------------------------- starlette
class PassOn:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


def starlette_app(case):
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    async def hello(request):
        return PlainTextResponse("hello")

    async def json(request):
        return JSONResponse(await request.json())

    async def item(request):
        return PlainTextResponse(request.path_params["item"])

    async def memory(request):
        return Response(MEMORY)

    async def pieces():
        for _ in range(16):
            yield PIECE

    async def stream(request):
        return StreamingResponse(pieces())

    async def upload(request):
        return PlainTextResponse(str(len(await request.body())))

    async def post_form(request):
        async with request.form() as data:
            return PlainTextResponse(str(sum([len(await f.read()) for f in data.values()])))

    routes = [
        Route("/", hello),
        Route("/json", json, methods=["POST"]),
        Route("/memory", memory),
        Route("/stream", stream),
        Route("/upload", upload, methods=["POST"]),
        Route("/form", post_form, methods=["POST"]),
        Mount("/static", StaticFiles(directory=FOLDER)),
    ]
    if case in ("routes", "tenants"):
        routes += [Route(f"/r{i}/{{item}}", item) for i in range(100)]
        routes += [Route(f"/t/{{tenant}}/r{i}/{{item}}", item) for i in range(100)]
    layers = [Middleware(PassOn)] * 10 if case == "middlewares" else []
    return Starlette(routes=routes, middleware=layers)


def __getattr__(name):
    # granian imports the application by name, in a process of its own.
    if name == "app_for_granian":
        return starlette_app(os.environ["AIOHTTP_WS_BENCH_CASE"])
    raise AttributeError(name)


def serve_granian(target, case, port):
    import granian
    from granian.constants import Interfaces

    os.environ["AIOHTTP_WS_BENCH_CASE"] = case
    print("ready", flush=True)
    granian.Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        loop="uvloop",
        log_enabled=False,
        log_access=False,
    ).serve()


def main():
    name, case, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    loop = sys.argv[4] if len(sys.argv) > 4 else "uvloop"
    write_files()
    logging.disable()  # wrk ends with requests under way
    if name == "granian":
        return serve_granian("servers:asgi_app", case, port)
    if name == "starlette-granian":
        return serve_granian("web_cases:app_for_granian", case, port)
    if name == "starlette-uvicorn":
        serving = uvicorn_server(starlette_app(case), port)
    elif name == "aiohttp":
        import aiohttp
        import aiohttp.web

        serving = serve_aiohttp(aiohttp, case, port)
    elif name == "ours":
        import aiohttp_ws
        import aiohttp_ws.web

        serving = serve_aiohttp(aiohttp_ws, case, port)
    else:
        raise SystemExit(f"there is no server named {name}")
    if loop == "uvloop":
        import uvloop

        uvloop.run(serving)
    else:
        asyncio.run(serving)


if __name__ == "__main__":
    main()
