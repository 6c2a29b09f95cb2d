"""Class-based handlers."""

from __future__ import annotations

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request


class Page(web.View):
    async def get(self):
        return web.Response(text=f"get {self.request.path}")

    async def options(self):
        return web.Response(headers={"Allow": "GET, OPTIONS"})

    async def secret(self):
        raise AssertionError("not an HTTP method")


async def test_the_method_of_the_request_is_called():
    response = await Page(make_mocked_request("GET", "/p"))
    assert response.text == "get /p"


async def test_options_is_a_method_like_any_other():
    response = await Page(make_mocked_request("OPTIONS", "/"))
    assert response.headers["Allow"] == "GET, OPTIONS"


@pytest.mark.parametrize("method", ["POST", "HEAD", "SECRET", "REQUEST", "__CLASS__", "_RUN"])
async def test_what_the_class_does_not_define_is_405(method):
    with pytest.raises(web.HTTPMethodNotAllowed) as caught:
        await Page(make_mocked_request(method, "/"))
    assert caught.value.headers["Allow"] == "GET,OPTIONS"
    assert caught.value.method == method


async def test_a_view_may_be_a_handler_with_parameters():
    class Item(web.View):
        async def put(self):
            return web.Response(text=self.request.match_info["id"])

    app = web.Application()
    app.router.add_view("/{id}", Item)
    app.freeze()
    response = await app._handle(make_mocked_request("PUT", "/7", app=app))
    assert response.text == "7"
