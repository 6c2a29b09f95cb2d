"""Runners and sites: set-up, addresses, and the order of the end."""

from __future__ import annotations

import asyncio
import socket
import ssl

import aiohttp
import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import unused_port


async def hello(request):
    return web.Response(text="hello")


@pytest.fixture
def app():
    app = web.Application()
    app.router.add_get("/", hello)
    return app


@pytest.fixture
async def runner(app):
    runner = web.AppRunner(app)
    await runner.setup()
    yield runner
    await runner.cleanup()


async def get(url, **options):
    connector = options.pop("connector", None)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(url, **options) as response,
    ):
        return await response.text()


# ------------------------------------------------------------------------------- sites


async def test_a_tcp_site_on_a_free_port_knows_its_port(runner):
    site = web.TCPSite(runner, "127.0.0.1", 0)
    assert site.name == "http://127.0.0.1:0"
    await site.start()
    assert runner.addresses == [("127.0.0.1", site.port)]
    assert runner.sites == {site}
    assert site.name == f"http://127.0.0.1:{site.port}"
    assert await get(site.name) == "hello"


async def test_names_show_scheme_host_and_port(runner):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert web.TCPSite(runner).name == "http://0.0.0.0:8080"
    assert web.TCPSite(runner, ssl_context=context).name == "https://0.0.0.0:8443"
    assert web.TCPSite(runner, "::1", 1).name == "http://[::1]:1"
    assert web.UnixSite(runner, "/x").name == "http://unix:/x:"
    assert web.UnixSite(runner, "/x", ssl_context=context).name == "https://unix:/x:"


async def test_a_unix_site(runner, tmp_path):
    path = tmp_path / "s"
    await web.UnixSite(runner, path).start()
    assert runner.addresses == [str(path)]
    assert await get("http://any/", connector=aiohttp.UnixConnector(str(path))) == "hello"


async def test_a_socket_that_is_bound_already(runner):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    site = web.SockSite(runner, sock)
    await site.start()
    assert site.name == "http://{}:{}".format(*sock.getsockname())
    assert await get(site.name) == "hello"


async def test_a_unix_socket_that_is_bound_already(runner, tmp_path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "s"))
    site = web.SockSite(runner, sock)
    await site.start()
    assert site.name == f"http://unix:{tmp_path / 's'}:"


async def test_several_sites_share_an_application(runner):
    sites = [web.TCPSite(runner, "127.0.0.1", 0) for _ in range(2)]
    for site in sites:
        await site.start()
    assert {await get(site.name) for site in sites} == {"hello"}
    assert len(runner.addresses) == 2


async def test_two_servers_share_a_port_with_reuse_port(runner):
    first = web.TCPSite(runner, "127.0.0.1", 0, reuse_port=True)
    await first.start()
    second = web.TCPSite(runner, "127.0.0.1", first.port, reuse_port=True)
    await second.start()
    assert await get(second.name) == "hello"


async def test_a_stopped_site_accepts_no_more_but_its_connections_go_on(runner):
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession(site.name) as session:
        async with session.get("/") as response:
            await response.read()
        await site.stop()
        assert runner.sites == set()
        async with session.get("/") as response:
            assert await response.text() == "hello"
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(site.name)


async def test_a_site_starts_once_and_stops_once(runner):
    site = web.TCPSite(runner, "127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="not started"):
        await site.stop()
    await site.start()
    with pytest.raises(RuntimeError, match="started already"):
        await site.start()
    await site.stop()


async def test_a_taken_port_leaves_no_trace(runner):
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    with pytest.raises(OSError, match="in use"):
        await web.TCPSite(runner, "127.0.0.1", site.port).start()
    assert runner.sites == {site}


async def test_a_site_needs_a_runner_that_is_set_up(app):
    with pytest.raises(RuntimeError, match="setup"):
        web.TCPSite(web.AppRunner(app))


async def test_named_pipes_are_for_windows(runner):
    if hasattr(asyncio.get_running_loop(), "start_serving_pipe"):
        pytest.skip("this is Windows")
    with pytest.raises(RuntimeError, match="Proactor"):
        web.NamedPipeSite(runner, "pipe")


# ----------------------------------------------------------------------------- runners


async def test_an_app_runner_starts_and_cleans_up(app):
    said = []
    for name in ("on_startup", "on_shutdown", "on_cleanup"):

        async def receive(app, name=name):
            said.append(name)

        getattr(app, name).append(receive)
    runner = web.AppRunner(app)
    assert runner.app is app
    assert runner.server is None
    await runner.setup()
    assert app.frozen
    assert said == ["on_startup"]
    assert isinstance(runner.server, web.Server)
    await runner.cleanup()
    assert said == ["on_startup", "on_shutdown", "on_cleanup"]
    assert runner.server is None


async def test_a_server_runner_runs_a_bare_handler():
    async def answer(request):
        assert type(request) is web.BaseRequest
        return web.Response(text=request.path)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert await get(f"{site.name}/bare") == "/bare"
    await runner.cleanup()


async def test_a_failing_startup_still_leaves_contexts(app):
    said = []

    async def context(app):
        yield
        said.append("left")

    async def fail(app):
        raise ValueError("no")

    app.cleanup_ctx.append(context)
    app.on_startup.append(fail)
    runner = web.AppRunner(app)
    with pytest.raises(ValueError, match="no"):
        await runner.setup()
    await runner.cleanup()
    assert said == ["left"]


def test_a_runner_runs_applications_only():
    with pytest.raises(TypeError, match="3"):
        web.AppRunner(3)


async def test_unknown_options_are_refused(app):
    with pytest.raises(TypeError, match="bogus"):
        await web.AppRunner(app, bogus=1).setup()


async def test_options_reach_the_server(app):
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=1.0, max_line_size=100)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{site.name}/{'a' * 200}") as response,
    ):
        assert response.status in (400, 414)
    await runner.cleanup()


async def test_handler_args_of_the_application_reach_the_server():
    app = web.Application(handler_args={"max_line_size": 100}, client_max_size=10)

    async def read(request):
        return web.Response(text=await request.text())

    app.router.add_post("/", read)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession(site.name) as session:
        async with session.post("/", data=b"x" * 11) as response:
            assert response.status == 413
        async with session.post("/", data=b"x" * 10) as response:
            assert response.status == 200
        async with session.get("/" + "a" * 200) as response:
            assert response.status in (400, 414)
    await runner.cleanup()


# ----------------------------------------------------------------------- a graceful end


class Gate:
    """A handler that waits until it is let go."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = False

    async def __call__(self, request):
        self.entered.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return web.Response(text="done")


async def serve_gate(app, **options):
    gate = Gate()
    app.router.add_get("/gate", gate)
    runner = web.AppRunner(app, **options)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", unused_port())
    await site.start()
    return runner, site, gate


async def test_cleanup_waits_for_running_handlers(app):
    runner, site, gate = await serve_gate(app)

    request = asyncio.create_task(get(f"{site.name}/gate"))
    await gate.entered.wait()
    cleanup = asyncio.create_task(runner.cleanup())
    await asyncio.sleep(0)
    assert not cleanup.done()
    gate.go.set()
    assert await request == "done"
    await cleanup
    assert not gate.cancelled


async def test_cleanup_cancels_handlers_after_shutdown_timeout(app):
    runner, site, gate = await serve_gate(app, shutdown_timeout=0.05)
    request = asyncio.create_task(get(f"{site.name}/gate"))
    await gate.entered.wait()
    await asyncio.wait_for(runner.cleanup(), 5)
    assert gate.cancelled
    with pytest.raises(aiohttp.ClientError):
        await request


async def test_cleanup_closes_idle_connections_at_once(app):
    runner, site, _ = await serve_gate(app)
    async with aiohttp.ClientSession(site.name) as session:
        async with session.get("/") as response:
            await response.read()
        await asyncio.wait_for(runner.cleanup(), 5)  # Fails when it waits for the next request.
        assert runner.addresses == []


async def test_live_websockets_are_closed_with_1001(app):
    codes = []

    async def websocket(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        codes.append(ws.close_code)
        return ws

    app.router.add_get("/ws", websocket)
    runner, site, _ = await serve_gate(app)
    async with aiohttp.ClientSession(site.name) as session, session.ws_connect("/ws") as ws:
        cleanup = asyncio.create_task(runner.cleanup())
        message = await ws.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await asyncio.wait_for(cleanup, 5)
    assert len(codes) == 1


async def test_on_shutdown_may_say_goodbye_on_websockets(app):
    sockets = []

    async def websocket(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sockets.append(ws)
        async for _ in ws:
            pass
        return ws

    async def goodbye(app):
        for ws in sockets:
            await ws.send_str("bye")
            await ws.close(code=4000)

    app.router.add_get("/ws", websocket)
    app.on_shutdown.append(goodbye)
    runner, site, _ = await serve_gate(app)
    async with aiohttp.ClientSession(site.name) as session, session.ws_connect("/ws") as ws:
        cleanup = asyncio.create_task(runner.cleanup())
        assert await ws.receive_str() == "bye"
        assert (await ws.receive()).data == 4000
        await asyncio.wait_for(cleanup, 5)
