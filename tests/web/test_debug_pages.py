"""What a client is told of an exception: nothing, but for event loops in debug mode."""

import asyncio

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient


async def failing(request: web.Request) -> web.Response:
    raise RuntimeError("no <b>luck</b>")


@pytest.mark.parametrize(("of_loop", "of_server"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
async def test_a_traceback_is_shown_in_debug_mode_only(
    aiohttp_client: AiohttpClient, of_loop: bool, of_server: bool, accept: str
) -> None:
    debug = of_loop or of_server
    asyncio.get_running_loop().set_debug(of_loop)
    app = web.Application(handler_args={"debug": of_server})
    app.add_routes([web.get("/", failing)])
    client = await aiohttp_client(app)
    async with client.get("/", headers={"Accept": accept}) as response:
        assert response.status == 500
        page = await response.text()
    asyncio.get_running_loop().set_debug(False)
    assert ("Traceback (most recent call last)" in page) == debug
    if accept == "text/html":
        assert response.content_type == "text/html"
        assert "<b>" not in page
        assert ("no &lt;b&gt;luck&lt;/b&gt;" in page) == debug
    else:
        assert ("no <b>luck</b>" in page) == debug
