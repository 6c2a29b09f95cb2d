"""Echo and hello servers of the project and its peers, one process each.

    python servers.py NAME PORT [asyncio|uvloop] [deflate]

Every server answers GET / with "hello" (where it speaks HTTP) and echoes
WebSocket messages on /ws. It prints "ready" when it listens."""

import asyncio
import sys

DEFLATE = sys.argv[-1].startswith("deflate")
# compare.py measures with the level and the window that aiohttp has, not with our defaults.
AS_AIOHTTP = sys.argv[-1] == "deflate-as-aiohttp"
HELLO = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello"
)


def ready():
    print("ready", flush=True)


# ------------------------------------------------------------------ the limit
class RawHTTP(asyncio.Protocol):
    def connection_made(self, t):
        self.t = t

    def data_received(self, data):
        self.t.write(HELLO * data.count(b"\r\n\r\n"))


class RawWS(asyncio.Protocol):
    """Handshakes once, then answers each read with as many canned bytes as an
    unmasked echo would have: the floor for any server on this loop."""

    up = False

    def connection_made(self, t):
        self.t = t
        self.buf = b""

    def data_received(self, data):
        if not self.up:
            self.buf += data
            if b"\r\n\r\n" in self.buf:
                self.up = True
                self.t.write(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
                )
            return
        if self.buf:
            data = (self.rest + data) if hasattr(self, "rest") else data
        out = []
        pos, n = 0, len(data)
        while n - pos >= 2:
            size = data[pos + 1] & 0x7F
            h = 2
            if size == 126:
                if n - pos < 4:
                    break
                size = int.from_bytes(data[pos + 2 : pos + 4], "big")
                h = 4
            elif size == 127:
                if n - pos < 10:
                    break
                size = int.from_bytes(data[pos + 2 : pos + 10], "big")
                h = 10
            if n - pos < h + 4 + size:
                break
            out.append(
                bytes([data[pos], data[pos + 1] & 0x7F])
                + data[pos + 2 : pos + h]
                + data[pos + h + 4 : pos + h + 4 + size]
            )
            pos += h + 4 + size
        self.rest = data[pos:]
        if out:
            self.t.write(out[0] if len(out) == 1 else b"".join(out))


async def raw(factory, port, fast=False):
    loop = asyncio.get_running_loop()
    if fast:
        import aiofastnet

        srv = await aiofastnet.create_server(loop, factory, "127.0.0.1", port)
    else:
        srv = await loop.create_server(factory, "127.0.0.1", port)
    ready()
    await srv.serve_forever()


# ----------------------------------------------------------- aiohttp and ours
async def aiohttp_like(mod, port, **kw):
    web, WSMsgType = mod.web, mod.WSMsgType
    compress = DEFLATE
    if AS_AIOHTTP and hasattr(mod, "DeflateOptions"):
        compress = mod.DeflateOptions(
            level=1, server_max_window_bits=None, client_max_window_bits=None
        )

    async def hello(request):
        return web.Response(text="hello")

    async def ws(request):
        w = web.WebSocketResponse(compress=compress, max_msg_size=0)
        await w.prepare(request)
        async for m in w:
            if m.type is WSMsgType.TEXT:
                await w.send_str(m.data)
            elif m.type is WSMsgType.BINARY:
                await w.send_bytes(m.data)
        return w

    app = web.Application()
    app.router.add_get("/", hello)
    app.router.add_get("/ws", ws)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, **kw).start()
    ready()
    await asyncio.Event().wait()


# ------------------------------------------------------------- frame servers
async def picows_like(mod, port, **kw):
    class Echo(mod.WSListener):
        def on_ws_frame(self, transport, frame):
            if frame.msg_type == mod.WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
            else:
                transport.send(frame.msg_type, frame.get_payload_as_memoryview())

    srv = await mod.ws_create_server(lambda r: Echo(), "127.0.0.1", port, **kw)
    ready()
    await srv.serve_forever()


async def websockets_like(serve, port, **kw):
    async def echo(ws):
        async for m in ws:
            await ws.send(m)

    async with serve(
        echo, "127.0.0.1", port, compression="deflate" if DEFLATE else None, max_size=None, **kw
    ) as s:
        ready()
        await s.serve_forever()


# ------------------------------------------------------------------- the rest
async def asgi_app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            m = await receive()
            await send({"type": m["type"] + ".complete"})
            if m["type"] == "lifespan.shutdown":
                return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            m = await receive()
            if m["type"] == "websocket.disconnect":
                return
            t = m.get("text")
            if t is not None:
                await send({"type": "websocket.send", "text": t})
            else:
                await send({"type": "websocket.send", "bytes": m["bytes"]})
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"5")],
        }
    )
    await send({"type": "http.response.body", "body": b"hello"})


def starlette_app():
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route, WebSocketRoute

    async def hello(request):
        return PlainTextResponse("hello")

    async def ws(w):
        await w.accept()
        async for m in w.iter_text():
            await w.send_text(m)

    return Starlette(routes=[Route("/", hello), WebSocketRoute("/ws", ws)])


async def uvicorn_server(app, port, **kw):
    import uvicorn

    cfg = uvicorn.Config(
        app, host="127.0.0.1", port=port, access_log=False, log_level="error", loop="none", **kw
    )
    s = uvicorn.Server(cfg)
    t = asyncio.create_task(s.serve())
    while not s.started:  # noqa: ASYNC110 - it offers no event
        await asyncio.sleep(0.01)
    ready()
    await t


async def tornado_server(port):
    import tornado.web
    import tornado.websocket

    class H(tornado.web.RequestHandler):
        def get(self):
            self.write("hello")

    class W(tornado.websocket.WebSocketHandler):
        def on_message(self, m):
            self.write_message(m, binary=isinstance(m, bytes))

    app = tornado.web.Application([("/", H), ("/ws", W)], log_function=lambda h: None)
    app.listen(port, "127.0.0.1")
    ready()
    await asyncio.Event().wait()


async def autobahn_server(port):
    from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

    class P(WebSocketServerProtocol):
        def onMessage(self, payload, isBinary):
            self.sendMessage(payload, isBinary)

    f = WebSocketServerFactory(f"ws://127.0.0.1:{port}")
    f.protocol = P
    loop = asyncio.get_running_loop()
    srv = await loop.create_server(f, "127.0.0.1", port)
    ready()
    await srv.serve_forever()


def main():
    name, port = sys.argv[1], int(sys.argv[2])
    loop = sys.argv[3] if len(sys.argv) > 3 else "uvloop"
    if name == "granian":
        import granian
        from granian.constants import Interfaces

        print("ready", flush=True)
        granian.Granian(
            "servers:asgi_app",
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            loop="uvloop",
            log_enabled=False,
            log_access=False,
        ).serve()
        return
    if name == "blacksheep":
        from blacksheep import Application, get

        app = Application(show_error_details=False)

        @get("/")
        async def hello():
            return "hello"

        coro = uvicorn_server(app, port)
    else:

        def make():
            if name == "raw-http":
                return raw(RawHTTP, port)
            if name == "raw-ws":
                return raw(RawWS, port)
            if name == "fastnet-http":
                return raw(RawHTTP, port, True)
            if name == "fastnet-ws":
                return raw(RawWS, port, True)
            if name == "aiohttp":
                import aiohttp
                import aiohttp.web

                return aiohttp_like(aiohttp, port)
            if name == "ours":
                import aiohttp_ws
                import aiohttp_ws.web

                return aiohttp_like(aiohttp_ws, port)
            if name == "ours-aiofastnet":
                import aiohttp_ws
                import aiohttp_ws.web

                return aiohttp_like(aiohttp_ws, port, use_aiofastnet=True)
            if name in ("picows", "picows-aiofastnet"):
                import picows

                return picows_like(picows, port, use_aiofastnet=name != "picows")
            if name in ("ours-frames", "ours-frames-aiofastnet"):
                import aiohttp_ws

                return picows_like(
                    aiohttp_ws,
                    port,
                    use_aiofastnet=name != "ours-frames",
                    compression="deflate" if DEFLATE else None,
                )
            if name == "websockets":
                from websockets.asyncio.server import serve

                return websockets_like(serve, port)
            if name == "picows-websockets":
                from picows.websockets.asyncio.server import serve

                return websockets_like(serve, port)
            if name == "ours-serve":
                from aiohttp_ws import serve

                return websockets_like(serve, port)
            if name == "asgi-uvicorn":
                return uvicorn_server(asgi_app, port)
            if name == "starlette-uvicorn":
                return uvicorn_server(starlette_app(), port)
            if name == "tornado":
                return tornado_server(port)
            if name == "autobahn":
                return autobahn_server(port)
            raise SystemExit(f"no server named {name}")

        async def go():
            await make()

        coro = go()
    if loop == "uvloop":
        import uvloop

        uvloop.run(coro)
    else:
        asyncio.run(coro)


if __name__ == "__main__":
    main()
