"""What tracers, recorders and caches do to aiohttp's classes, done to ours."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from unittest import mock

import pytest
from yarl import URL

import aiohttp_ws
from aiohttp_ws import ClientSession, web
from aiohttp_ws.test_utils import TestClient, TestServer


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.match_info.get('name', 'all')}")


def application(**arguments: Any) -> web.Application:
    app = web.Application(**arguments)
    app.router.add_get("/", hello)
    app.router.add_get("/of/{name}", hello)
    return app


@contextlib.asynccontextmanager
async def talking(app: web.Application):
    async with TestClient(TestServer(app)) as client:
        yield client


# ------------------------------------------------------------------------------- server


@pytest.mark.parametrize("path", ["/", "/of/you", "/nowhere"])
async def test_a_patched_handle_sees_every_request(path: str):
    seen = []
    handle = web.Application._handle

    async def traced(self: web.Application, request: web.Request, *args: Any) -> Any:
        seen.append(request.path)
        try:
            return await handle(self, request, *args)
        except web.HTTPException as exc:
            seen.append(exc.status)
            raise

    with mock.patch.object(web.Application, "_handle", traced):
        async with talking(application()) as client:
            response = await client.get(path)
            assert response.status == (404 if path == "/nowhere" else 200)
    assert seen == ([path, 404] if path == "/nowhere" else [path])


@pytest.mark.parametrize("path", ["/", "/of/you", "/nowhere"])
async def test_a_patched_resolve_sees_every_request(path: str):
    seen = []
    resolve = web.UrlDispatcher.resolve

    async def traced(self: web.UrlDispatcher, request: web.Request) -> Any:
        match_info = await resolve(self, request)
        seen.append((request.path, match_info.handler.__name__))
        return match_info

    with mock.patch.object(web.UrlDispatcher, "resolve", traced):
        async with talking(application()) as client:
            await client.get(path)
    assert [each for each, _ in seen] == [path]
    if path != "/nowhere":
        assert seen[0][1] == "hello"


async def test_a_router_of_a_subapplication_is_patched_too():
    seen = []
    resolve = web.UrlDispatcher.resolve

    async def traced(self: web.UrlDispatcher, request: web.Request) -> Any:
        seen.append(request.path)
        return await resolve(self, request)

    app = web.Application()
    app.add_subapp("/sub", application())
    with mock.patch.object(web.UrlDispatcher, "resolve", traced):
        async with talking(app) as client:
            assert (await client.get("/sub/of/you")).status == 200
    assert seen == ["/sub/of/you"] * 2


async def test_resolve_of_a_subclass_is_called():
    class Router(web.UrlDispatcher):
        async def resolve(self, request: web.Request) -> Any:
            if "x-lost" in request.headers:
                raise web.HTTPGone
            return await super().resolve(request)

    with pytest.warns(DeprecationWarning, match="router"):
        app = web.Application(router=Router())
    app.router.add_get("/", hello)
    async with talking(app) as client:
        assert (await client.get("/")).status == 200
        assert (await client.get("/", headers={"X-Lost": "1"})).status == 410


async def test_a_tracer_that_wraps_the_class_of_applications_adds_its_middleware():
    @web.middleware
    async def tracing(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        response.headers["X-Traced"] = request.match_info.route.resource.canonical
        return response

    with pytest.warns(DeprecationWarning, match="inherits from web.Application"):

        class Traced(web.Application):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                kwargs["middlewares"] = [tracing, *kwargs.pop("middlewares", [])]
                super().__init__(*args, **kwargs)

    app = Traced()
    app.router.add_get("/of/{name}", hello)
    async with talking(app) as client:
        assert (await client.get("/of/you")).headers["X-Traced"] == "/of/{name}"


# ------------------------------------------------------------------------------- client


async def test_a_patched_init_adds_trace_configs():
    started = []
    init = ClientSession.__init__

    def instrumented(self: ClientSession, *args: Any, **kwargs: Any) -> None:
        config = aiohttp_ws.TraceConfig()

        async def on_start(session: ClientSession, context: Any, params: Any) -> None:
            started.append((params.method, params.url.path))

        config.on_request_start.append(on_start)
        kwargs["trace_configs"] = [*kwargs.pop("trace_configs", ()), config]
        init(self, *args, **kwargs)

    async with TestServer(application()) as server:
        with mock.patch.object(ClientSession, "__init__", instrumented):
            async with ClientSession() as session, session.get(server.make_url("/")) as response:
                assert response.status == 200
    assert started == [("GET", "/")]


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
async def test_a_patched_request_takes_every_call(method: str):
    fake = mock.Mock(status=299)
    asked = []

    async def replaced(self: ClientSession, method: str, url: Any, **kwargs: Any) -> Any:
        asked.append((method, URL(url), kwargs.get("headers")))
        return fake

    async with ClientSession() as session:
        with mock.patch.object(ClientSession, "_request", replaced):
            response = await getattr(session, method)("http://nowhere.invalid/", headers={"A": "b"})
            assert response is fake
            assert await session.request("PURGE", "http://nowhere.invalid/") is fake
    assert asked[0] == (method.upper(), URL("http://nowhere.invalid/"), {"A": "b"})
    assert asked[1][0] == "PURGE"


async def test_a_request_replaced_by_an_automatic_mock_takes_every_call():
    with mock.patch("aiohttp_ws.client.session.ClientSession._request", autospec=True) as request:
        async with ClientSession() as session:
            assert await session.get("http://nowhere.invalid/") is request.return_value
    assert request.call_args.args[1:] == ("GET", "http://nowhere.invalid/")


async def test_a_request_set_on_one_session_takes_its_calls():
    async def replaced(method: str, url: Any, **kwargs: Any) -> str:
        return f"{method} {url}"

    async with ClientSession() as session:
        session._request = replaced  # type: ignore[method-assign,assignment]
        assert await session.get("http://nowhere.invalid/") == "GET http://nowhere.invalid/"


async def test_a_cache_overrides_request():
    kept: dict[str, Any] = {}
    with pytest.warns(DeprecationWarning, match="inherits from ClientSession"):

        class Cached(ClientSession):
            async def _request(self, method: str, str_or_url: Any, **kwargs: Any) -> Any:
                if str(str_or_url) not in kept:
                    response = await super()._request(method, str_or_url, **kwargs)
                    await response.read()
                    kept[str(str_or_url)] = response
                return kept[str(str_or_url)]

    counted = []

    async def count(request: web.Request) -> web.Response:
        counted.append(request)
        return web.Response(text=str(len(counted)))

    app = web.Application()
    app.router.add_get("/", count)
    async with TestServer(app) as server, Cached() as session:
        for _ in range(3):
            async with session.get(server.make_url("/")) as response:
                assert await response.text() == "1"


async def test_the_context_of_a_request_has_its_response_as_in_aiohttp():
    async with TestServer(application()) as server, ClientSession() as session:
        context = session.get(server.make_url("/"))
        async with context as response:
            assert context._resp is response


PRIVATE = {
    "session": "_build_url _connector _cookie_jar _loop _prepare_headers _request _timeout "
    "_trace_configs _trust_env",
    "connector": "_acquired _close _conns _create_connection _create_direct_connection _factory "
    "_resolve_host _wrap_create_connection",
    "response": "_body _cache _headers _history _loop _raw_headers _released _request_info "
    "_session _traces _url",
    "request": "_message _payload _protocol _read_bytes",
    "server's WebSocket": "_timeout",
    "client's WebSocket": "_conn _response _writer",
    "application": "_debug _handle _router _subapps",
    "test server": "_loop",
}


async def test_private_attributes_that_libraries_lean_on_are_there():
    met: dict[str, Any] = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        met["request"] = request
        if not web.WebSocketResponse().can_prepare(request):
            return web.Response(text="x")
        met["server's WebSocket"] = ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        return ws

    met["application"] = app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server, ClientSession() as session:
        met["test server"], met["session"] = server, session
        met["connector"] = session.connector
        async with session.ws_connect(server.make_url("/")) as ws:
            met["client's WebSocket"] = ws
        async with session.get(server.make_url("/")) as response:
            met["response"] = response
            await response.read()
            absent = {
                f"{name} of a {what}"
                for what, names in PRIVATE.items()
                for name in names.split()
                if not hasattr(met[what], name)
            }
    assert absent == set()


async def test_the_time_for_closing_can_be_set_on_a_websocket():
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        ws._timeout = 0.01
        await ws.prepare(request)
        await ws.close()
        closed.set()
        return ws

    closed = asyncio.Event()
    app = web.Application()
    app.router.add_get("/", handler)
    async with talking(app) as client:
        ws = await client.ws_connect("/", autoclose=False)
        assert (await ws.receive()).type is aiohttp_ws.WSMsgType.CLOSE
        await asyncio.wait_for(closed.wait(), 5)
        await ws.close()


# --------------------------------------------------------------------------- WebSockets


async def websocket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def test_send_json_and_iteration_call_what_a_subclass_overrides():
    class Socket(aiohttp_ws.ClientWebSocketResponse):
        async def send_str(self, data: str, compress: int | None = None) -> None:
            await super().send_str(data.upper(), compress)

        async def receive(self, timeout: float | None = None) -> Any:
            message = await super().receive(timeout)
            return message._replace(data=f"<{message.data}>") if message.data else message

    app = web.Application()
    app.router.add_get("/", websocket)
    async with (
        TestServer(app) as server,
        ClientSession(ws_response_class=Socket) as session,
        session.ws_connect(server.make_url("/")) as ws,
    ):
        await ws.send_json("a")
        async for message in ws:
            assert message.data == '<"A">'
            break
        await ws.send_json("b")
        assert await ws.receive_str() == '<"B">'


async def test_send_json_and_iteration_of_a_server_call_what_a_subclass_overrides():
    class Socket(web.WebSocketResponse):
        async def send_str(self, data: str, compress: int | None = None) -> None:
            await super().send_str(data.upper(), compress)

        async def receive(self, timeout: float | None = None) -> Any:
            message = await super().receive(timeout)
            return message._replace(data=f"<{message.data}>") if message.data else message

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = Socket()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_json(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    async with talking(app) as client, client.ws_connect("/") as ws:
        await ws.send_str("a")
        assert await ws.receive_str() == '"<A>"'
