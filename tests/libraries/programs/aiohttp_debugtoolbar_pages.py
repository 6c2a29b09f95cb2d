"""aiohttp-debugtoolbar: its handle in each page, and the pages behind it."""

import re

import aiohttp_debugtoolbar
import pytest
from aiohttp import web


@pytest.fixture
async def client(aiohttp_client):
    async def page(request):
        return web.Response(text="<html><body>page</body></html>", content_type="text/html")

    async def failing(request):
        raise NotImplementedError("on purpose")

    async def moved(request):
        raise web.HTTPFound("/")

    async def data(request):
        return web.json_response({"a": 1})

    app = web.Application()
    aiohttp_debugtoolbar.setup(app)
    app.router.add_get("/", page)
    app.router.add_get("/failing", failing)
    app.router.add_get("/moved", moved)
    app.router.add_get("/data", data)
    return await aiohttp_client(app)


async def test_handle_is_put_into_pages(client):
    async with client.get("/") as response:
        text = await response.text()
    assert "pDebugToolbarHandle" in text
    async with client.get("/data") as response:
        assert await response.json() == {"a": 1}


async def test_toolbar_shows_the_request(client):
    async with client.get("/") as response:
        link = re.search(r"/_debugtoolbar/?[\w./-]*", await response.text())
    assert link
    async with client.get("/_debugtoolbar") as response:
        assert response.status == 200
        assert "debugtoolbar" in (await response.text()).lower()
    async with client.get("/_debugtoolbar/static/css/toolbar.css") as response:
        assert response.status == 200


async def test_exception_has_a_page_with_its_traceback(client):
    async with client.get("/failing") as response:
        assert response.status == 500
        text = await response.text()
    assert '<div class="debugger">' in text
    assert "on purpose" in text


async def test_redirect_is_intercepted(client):
    async with client.get("/moved", allow_redirects=False) as response:
        assert response.status == 200
        assert "Redirect intercepted" in await response.text()
