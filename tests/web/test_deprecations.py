"""What aiohttp deprecates is deprecated here, and works."""

import os
import subprocess
import sys
import warnings

import pytest

import aiohttp_ws
from aiohttp_ws import web
from aiohttp_ws.abc import AbstractStreamWriter
from aiohttp_ws.pytest_plugin import AiohttpClient
from aiohttp_ws.test_utils import RawTestServer, make_mocked_request, unittest_run_loop


async def test_an_http_exception_that_is_returned_is_sent_with_a_warning(
    aiohttp_client: AiohttpClient,
) -> None:
    async def returned(request: web.Request) -> web.StreamResponse:
        return web.HTTPForbidden(text="no")

    async def raised(request: web.Request) -> web.StreamResponse:
        raise web.HTTPForbidden(text="no")

    app = web.Application()
    app.add_routes([web.get("/returned", returned), web.get("/raised", raised)])
    client = await aiohttp_client(app)
    with pytest.warns(DeprecationWarning, match="returning .*HTTPForbidden.* raise it"):
        response = await client.get("/returned")
    assert (response.status, await response.text()) == (403, "no")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        response = await client.get("/raised")
        assert (response.status, await response.text()) == (403, "no")


@pytest.mark.parametrize("name", ["message", "loop", "has_body"])
async def test_old_properties_of_requests(name: str) -> None:
    request = make_mocked_request("GET", "/")
    with pytest.deprecated_call(match=f"Request.{name} is deprecated"):
        getattr(request, name)


@pytest.mark.parametrize("called", [True, False])
async def test_a_streamer_writes_a_body(aiohttp_client: AiohttpClient, called: bool) -> None:
    with pytest.deprecated_call(match="asynchronous generator"):

        @aiohttp_ws.streamer
        async def numbers(writer: AbstractStreamWriter, count: int = 3) -> None:
            for number in range(count):
                await writer.write(b"%d" % number)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=numbers(5) if called else numbers)

    app = web.Application()
    app.add_routes([web.get("/", handler)])
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.read() == (b"01234" if called else b"012")


async def test_the_timeout_of_a_site_is_given_to_its_runner() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    with pytest.deprecated_call(match="shutdown_timeout"):
        web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=2.0)
    assert runner._shutdown_timeout == 2.0
    await runner.cleanup()


def test_the_decorator_of_old_test_cases_does_nothing() -> None:
    def test() -> None: ...

    with pytest.deprecated_call(match="unittest_run_loop"):
        assert unittest_run_loop(test) is test


@pytest.mark.parametrize("environment", [{"PYTHONDEVMODE": "1"}, {"PYTHONASYNCIODEBUG": "1"}, {}])
def test_custom_attributes_are_warned_of_in_development_mode(environment: dict[str, str]) -> None:
    program = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from aiohttp_ws import web\n"
        "from aiohttp_ws.test_utils import make_mocked_request\n"
        "request, app = make_mocked_request('GET', '/'), web.Application()\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    request.user, app.database = 'ann', 'here'\n"
        "assert (request.user, app.database) == ('ann', 'here')\n"
        "print(len(seen))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip() == ("2" if environment else "0")


async def test_a_request_takes_attributes_of_a_program(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def knowing(request: web.Request, handler: aiohttp_ws.typedefs.Handler) -> object:
        request.user = "ann"
        return await handler(request)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.user)

    app = web.Application(middlewares=[knowing])
    app.add_routes([web.get("/", handler)])
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "ann"


async def test_attributes_that_libraries_read() -> None:
    assert web.WebSocketResponse()._timeout == 10.0
    assert web.WebSocketResponse(timeout=3)._timeout == 3
    app, inner = web.Application(), web.Application()
    app.add_subapp("/inner", inner)
    assert app._subapps == [inner]
    assert app._router is app.router
    assert make_mocked_request("GET", "/")._read_bytes is None

    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response()

    async with RawTestServer(handler) as server:
        assert server._loop.is_running()
