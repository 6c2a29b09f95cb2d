"""Middlewares of the old style, beside those of a request and a handler."""

import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def noting(name: str, seen: list[str]) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append(name)
        return await handler(request)

    return middleware


def old(name: str, seen: list[str]) -> Any:
    async def factory(app: web.Application, handler: Handler) -> Handler:
        async def middleware(request: web.Request) -> web.StreamResponse:
            assert request.app is app
            seen.append(name)
            return await handler(request)

        return middleware

    return factory


async def test_both_kinds_run_in_the_order_of_the_list(aiohttp_client: AiohttpClient) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="done")

    inner = web.Application(middlewares=[old("inner old", seen), noting("inner new", seen)])
    inner.add_routes([web.get("/", handler)])
    app = web.Application(
        middlewares=[noting("one", seen), old("two", seen), noting("three", seen)]
    )
    with pytest.warns(DeprecationWarning, match="old-style"):
        app.add_subapp("/inner", inner)
    with pytest.warns(DeprecationWarning, match="old-style"):
        client = await aiohttp_client(app)
    for _ in range(2):
        async with client.get("/inner/") as response:
            assert await response.text() == "done"
        assert seen == ["one", "two", "three", "inner old", "inner new"]
        seen.clear()


async def test_an_old_middleware_may_be_an_object_and_sees_404(
    aiohttp_client: AiohttpClient,
) -> None:
    class Middleware:
        async def __call__(self, app: web.Application, handler: Handler) -> Handler:
            async def middleware(request: web.Request) -> web.StreamResponse:
                try:
                    return await handler(request)
                except web.HTTPNotFound:
                    return web.Response(text="made up")

            return middleware

    app = web.Application(middlewares=[Middleware()])
    with pytest.warns(DeprecationWarning, match="old-style"):
        client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "made up"


async def test_the_mark_is_not_needed_where_the_parameter_says_it(
    aiohttp_client: AiohttpClient,
) -> None:
    async def unmarked(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(text="unmarked")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = await aiohttp_client(web.Application(middlewares=[unmarked]))
    async with client.get("/") as response:
        assert await response.text() == "unmarked"


async def test_a_middleware_sees_the_attributes_of_the_handler_that_it_leads_to(
    aiohttp_client: AiohttpClient,
) -> None:
    seen: list[object] = []

    def asking(name: str) -> Any:
        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            seen.append((name, getattr(handler, "role", None), handler.__name__))
            return await handler(request)

        return middleware

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    handler.role = "admin"  # type: ignore[attr-defined]
    inner = web.Application(middlewares=[asking("inner")])
    inner.add_routes([web.get("/", handler)])
    app = web.Application(middlewares=[asking("outer")])
    app.add_subapp("/inner", inner)
    client = await aiohttp_client(app)
    async with client.get("/inner/") as response:
        assert response.status == 200
    assert seen == [("outer", "admin", "handler"), ("inner", "admin", "handler")]
