"""``aiohttp_ws.test_utils``: servers, the client, mocked requests, unittest."""

import asyncio
import gc
import socket
import unittest
from typing import Any

import pytest
from yarl import URL

from aiohttp_ws import CookieJar, web
from aiohttp_ws.http.headers import HttpVersion10
from aiohttp_ws.test_utils import (
    AioHTTPTestCase,
    BaseTestServer,
    RawTestServer,
    TestClient,
    TestServer,
    get_port_socket,
    get_unused_port_socket,
    loop_context,
    make_mocked_coro,
    make_mocked_request,
    unused_port,
)


async def describe(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"{request.method} {request.path}")


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def cookie(request: web.Request) -> web.Response:
    response = web.Response(text=request.cookies.get("visited", "never"))
    response.set_cookie("visited", "before")
    return response


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/ws", echo)
    app.router.add_get("/cookie", cookie)
    app.router.add_route("*", "/{tail:.*}", describe)
    return app


# ------------------------------------------------------------------------ servers


@pytest.mark.parametrize("make", [lambda: TestServer(make_app()), lambda: RawTestServer(describe)])
async def test_server_runs_between_start_and_close(make: Any) -> None:
    server: BaseTestServer = make()
    assert (server.started, server.closed, server.port) == (False, False, None)
    await server.start_server()
    assert (server.started, server.closed) == (True, False)
    assert server.make_url("/a?b=c") == URL(f"http://127.0.0.1:{server.port}/a?b=c")
    assert isinstance(server.handler, web.Server)
    async with TestClient(server) as client:
        assert await (await client.get("/path")).text() == "GET /path"
    assert server.closed
    await server.close()


async def test_server_that_does_not_run_has_no_urls() -> None:
    server = TestServer(make_app())
    with pytest.raises(RuntimeError, match="start_server"):
        server.make_url("/")
    with pytest.raises(RuntimeError, match="start_server"):
        _ = server.handler
    await server.close()
    assert not server.closed


async def test_server_started_twice_is_started_once() -> None:
    async with TestServer(make_app()) as server:
        port = server.port
        await server.start_server()
        assert server.port == port


async def test_server_listens_on_the_port_asked_for() -> None:
    port = unused_port()
    async with TestServer(make_app(), port=port) as server:
        assert server.port == port


async def test_server_takes_its_socket_from_the_factory() -> None:
    made: list[socket.socket] = []

    def factory(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
        made.append(get_port_socket(host, port, family))
        return made[-1]

    async with TestServer(make_app(), socket_factory=factory) as server:
        assert [each.getsockname()[1] for each in made] == [server.port]


async def test_absolute_urls_are_refused_unless_asked_for() -> None:
    async with TestServer(make_app()) as server:
        for url in ("http://example.com/", "//example.com/"):
            with pytest.raises(ValueError, match="absolute"):
                server.make_url(url)
    async with TestServer(make_app(), skip_url_asserts=True) as server:
        assert server.make_url("http://example.com/") == URL("http://example.com/")
        assert server.make_url("//double").host == "127.0.0.1"


async def test_handler_is_cancelled_when_its_client_goes() -> None:
    begun = asyncio.Event()
    cancelled = asyncio.Event()

    async def wait(request: web.BaseRequest) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    async with RawTestServer(wait) as server:
        assert server.port is not None
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await begun.wait()
        writer.close()
        await asyncio.wait_for(cancelled.wait(), 30)


# ------------------------------------------------------------------------- client


@pytest.mark.parametrize("method", ["get", "post", "options", "put", "patch", "delete"])
async def test_client_has_a_method_for_each_method(method: str) -> None:
    async with TestClient(TestServer(make_app())) as client:
        async with getattr(client, method)("/path") as response:
            assert await response.text() == f"{method.upper()} /path"
        async with client.request(method.upper(), "/path") as response:
            assert await response.text() == f"{method.upper()} /path"


async def test_client_head() -> None:
    async with TestClient(TestServer(make_app())) as client, client.head("/path") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_client_shows_its_server_session_and_application() -> None:
    app = make_app()
    server = TestServer(app)
    async with TestClient(server) as client:
        assert client.server is server
        assert client.app is app
        assert (client.scheme, client.host, client.port) == ("http", "127.0.0.1", server.port)
        assert client.make_url("/path") == server.make_url("/path")
        async with client.session.get(client.make_url("/path")) as response:
            assert response.status == 200
    raw = TestClient(RawTestServer(describe))
    assert raw.app is None
    await raw.close()


async def test_client_keeps_cookies_of_an_address() -> None:
    async with TestClient(TestServer(make_app())) as client:
        assert await (await client.get("/cookie")).text() == "never"
        assert await (await client.get("/cookie")).text() == "before"
    jar = CookieJar()  # As browsers do, this one keeps none from addresses.
    async with TestClient(TestServer(make_app()), cookie_jar=jar) as client:
        assert await (await client.get("/cookie")).text() == "never"
        assert await (await client.get("/cookie")).text() == "never"


async def test_client_passes_options_to_its_session() -> None:
    async with TestClient(TestServer(make_app()), headers={"X-Token": "secret"}) as client:
        assert client.session.headers["X-Token"] == "secret"


async def test_client_opens_websockets() -> None:
    async with TestClient(TestServer(make_app())) as client:
        async with client.ws_connect("/ws") as ws:
            await ws.send_str("hello")
            assert await ws.receive_str() == "hello"
        ws = await client.ws_connect("/ws", decode_text=False)
        await ws.send_str("hello")
        assert (await ws.receive()).data == b"hello"
    assert ws.closed


async def test_client_closes_what_was_left_open() -> None:
    client: TestClient[Any, Any] = TestClient(TestServer(make_app()))
    await client.start_server()
    response = await client.get("/path")
    ws = await client.ws_connect("/ws")
    await client.close()
    await client.close()
    assert response.closed
    assert ws.closed
    assert client.session.closed
    assert client.server.closed


async def test_client_of_something_else_than_a_server_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="TestServer"):
        TestClient(make_app())  # type: ignore[arg-type]


# -------------------------------------------------------------------------- ports


def test_ports() -> None:
    with get_unused_port_socket("127.0.0.1") as sock:
        host, port = sock.getsockname()
        assert (host, port > 0) == ("127.0.0.1", True)
    with get_port_socket("127.0.0.1", unused_port(), socket.AF_INET) as sock:
        sock.listen()
        with pytest.raises(OSError, match=r"in use|Only one usage"):
            get_port_socket("127.0.0.1", sock.getsockname()[1], socket.AF_INET)


# -------------------------------------------------------------------------- mocks


async def test_mocked_request_has_what_was_given() -> None:
    app = make_app()
    request = make_mocked_request(
        "PUT",
        "/a%20b?c=d",
        [("X-One", "1"), ("X-One", "2"), ("Cookie", "e=f")],
        match_info={"id": "5"},
        app=app,
    )
    assert (request.method, request.path, request.query["c"]) == ("PUT", "/a b", "d")
    assert request.headers.getall("x-one") == ["1", "2"]
    assert request.raw_headers[0] == (b"X-One", b"1")
    assert request.cookies == {"e": "f"}
    assert request.match_info["id"] == "5"
    assert request.app is app
    assert request.url == URL("http://127.0.0.1/a%20b?c=d")
    assert request.keep_alive
    assert await request.read() == b""


async def test_mocked_request_that_closes_over_tls_by_http_1_0() -> None:
    tls: Any = object()
    request = make_mocked_request("GET", "/", version=HttpVersion10, closing=True, sslcontext=tls)
    assert request.version == HttpVersion10
    assert not request.keep_alive
    assert request.scheme == "https"
    assert request.get_extra_info("sslcontext") is tls


async def test_mocked_request_of_an_absolute_url() -> None:
    request = make_mocked_request("GET", "http://example.com/path?a=b")
    assert (request.host, request.path) == ("example.com", "/path")
    assert request.url == URL("http://example.com/path?a=b")


def test_mocked_request_needs_no_loop() -> None:
    assert make_mocked_request("GET", "/").path == "/"


async def test_response_to_a_mocked_request_is_written_to_its_transport() -> None:
    request = make_mocked_request("GET", "/", app=make_app())
    response = web.Response(text="hello")
    await response.prepare(request)
    await response.write_eof()
    sent = b"".join(call.args[0] for call in request.transport.write.call_args_list)  # type: ignore[union-attr]
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert sent.endswith(b"\r\n\r\nhello")


async def test_mocked_request_goes_through_a_handler() -> None:
    assert (await describe(make_mocked_request("GET", "/path"))).text == "GET /path"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert not web.WebSocketResponse().can_prepare(make_mocked_request("GET", "/", upgrade))
    upgrade |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert web.WebSocketResponse().can_prepare(make_mocked_request("GET", "/", upgrade))


async def test_mocked_coroutine() -> None:
    coro = make_mocked_coro(3)
    assert await coro(1, key=2) == 3
    coro.assert_called_once_with(1, key=2)
    with pytest.raises(ValueError, match="asked for"):
        await make_mocked_coro(raise_exception=ValueError("asked for"))()


# ---------------------------------------------------------------- loop and unittest


@pytest.mark.parametrize("fast", [False, True])
def test_loop_context_gives_a_loop_and_closes_it(fast: bool) -> None:
    with loop_context(fast=fast) as loop:
        assert loop.run_until_complete(asyncio.sleep(0, "value")) == "value"
    assert loop.is_closed()


def test_test_case_runs_with_a_server_and_a_client() -> None:
    class Case(AioHTTPTestCase):
        async def get_application(self) -> web.Application:
            return make_app()

        async def test_it(self) -> None:
            assert self.client.app is self.app
            assert self.client.server is self.server
            assert asyncio.get_running_loop() is self.loop
            async with self.client.get("/path") as response:
                assert await response.text() == "GET /path"

        async def test_failure_is_a_failure(self) -> None:
            self.fail("as it should")

    results = {}
    for name in ("test_it", "test_failure_is_a_failure"):
        results[name] = unittest.TestResult()
        Case(name).run(results[name])
    assert results["test_it"].wasSuccessful(), results["test_it"].errors
    assert len(results["test_failure_is_a_failure"].failures) == 1
    gc.collect()


def test_test_case_without_an_application_says_what_to_do() -> None:
    class Case(AioHTTPTestCase):
        def test_it(self) -> None: ...

    result = unittest.TestResult()
    Case("test_it").run(result)
    assert "override get_application()" in result.errors[0][1]
