"""What tracers replace and programs override of applications and routers is what is called."""

from typing import Any
from unittest import mock

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=request.match_info.get("name", "plain"))


def application() -> web.Application:
    app, inner = web.Application(), web.Application()
    inner.add_routes([web.get("/{name}", hello)])
    app.add_routes([web.get("/", hello), web.get("/at/{name}", hello)])
    app.add_subapp("/inner", inner)
    return app


PATHS = {"/": "plain", "/at/a": "a", "/inner/b": "b"}


async def test_a_replaced_resolve_is_asked_for_every_request(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sentry-sdk does: every router of a request is one that it sees."""
    resolve, seen = web.UrlDispatcher.resolve, []

    async def traced(self: web.UrlDispatcher, request: web.Request) -> Any:
        match_info = await resolve(self, request)
        seen.append((request.path, match_info.route.method))
        return match_info

    monkeypatch.setattr(web.UrlDispatcher, "resolve", traced)
    client = await aiohttp_client(application())
    for path, text in PATHS.items():
        async with client.get(path) as response:
            assert await response.text() == text
    async with client.get("/none") as response:
        assert response.status == 404
    assert seen == [
        ("/", "GET"),
        ("/at/a", "GET"),
        ("/inner/b", "GET"),  # by the nested router
        ("/inner/b", "GET"),
        ("/none", "*"),
    ]


async def test_a_router_may_override_resolve(aiohttp_client: AiohttpClient) -> None:
    class Renaming(web.UrlDispatcher):
        async def resolve(self, request: web.Request) -> web.UrlMappingMatchInfo:
            match_info = await super().resolve(request)
            match_info["name"] = "renamed"
            return match_info

    with pytest.warns(DeprecationWarning, match="router"):
        app = web.Application(router=Renaming())
    app.add_routes([web.get("/", hello)])
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "renamed"


async def test_a_replaced_handle_is_called_for_every_request(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, seen = web.Application._handle, []

    async def traced(self: web.Application, request: web.Request) -> web.StreamResponse:
        response = await handle(self, request)
        seen.append((request.path, response.status))
        return response

    monkeypatch.setattr(web.Application, "_handle", traced)
    client = await aiohttp_client(application())
    for path, text in PATHS.items():
        async with client.get(path) as response:
            assert await response.text() == text
    assert seen == [(path, 200) for path in PATHS]


async def test_a_subclass_may_override_handle(aiohttp_client: AiohttpClient) -> None:
    with pytest.warns(DeprecationWarning, match="inherits"):

        class Closed(web.Application):
            async def _handle(self, request: web.Request) -> web.StreamResponse:
                return web.Response(text="closed", status=503)

    client = await aiohttp_client(Closed())
    async with client.get("/") as response:
        assert (response.status, await response.text()) == (503, "closed")


async def test_what_nobody_replaced_costs_no_coroutine_of_the_router() -> None:
    app = application()
    app.freeze()
    assert app.router.is_synchronous
    assert "/" in app.router.plain_routes
    with mock.patch.object(web.UrlDispatcher, "resolve", mock.AsyncMock()):
        other = application()
        other.freeze()
        assert other.router.is_overridden


@pytest.mark.parametrize(
    "cls",
    [web.Application, web.Request, web.Response, web.StreamResponse, web.WebSocketResponse],
)
def test_mocks_of_public_classes_have_their_members(cls: type) -> None:
    mocked = mock.create_autospec(cls)
    for name in ("router", "match_info", "status", "prepare", "receive"):
        assert hasattr(mocked, name) == hasattr(cls, name)


def test_applications_name_their_attributes() -> None:
    app = web.Application()
    assert vars(app).keys() <= web.Application.ATTRS


async def test_plain_subclasses_of_requests_and_responses_work(
    aiohttp_client: AiohttpClient,
) -> None:
    class MyResponse(web.Response):
        def __init__(self, text: str) -> None:
            super().__init__(text=text.upper())
            self.note = "mine"

    async def handler(request: web.Request) -> web.Response:
        return MyResponse("hello")

    app = web.Application()
    app.add_routes([web.get("/", handler)])
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "HELLO"
