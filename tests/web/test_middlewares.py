"""Middlewares: their order, their applications, and the one that mends paths."""

from __future__ import annotations

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request
from tests.web.serving import serving


async def ask(app, path, method="GET"):
    app.freeze()
    return await app._handle(make_mocked_request(method, path, app=app))


def noting(said, name, app=None):
    @web.middleware
    async def note(request, handler):
        said.append(f"+{name}")
        assert app is None or request.app is app()
        try:
            return await handler(request)
        finally:
            assert app is None or request.app is app()
            said.append(f"-{name}")

    return note


async def test_the_first_middleware_is_outermost():
    said = []
    app = web.Application(middlewares=[noting(said, "a"), noting(said, "b")])

    async def handler(request):
        said.append("handler")
        return web.Response()

    app.router.add_get("/", handler)
    await ask(app, "/")
    assert said == ["+a", "+b", "handler", "-b", "-a"]


async def test_outer_applications_come_first_and_each_sees_itself():
    said = []
    app = web.Application(middlewares=[noting(said, "app", lambda: app)])
    sub = web.Application()
    inner = web.Application(middlewares=[noting(said, "inner", lambda: inner)])

    async def handler(request):
        assert request.app is inner
        return web.Response()

    inner.router.add_get("/x", handler)
    sub.add_subapp("/inner", inner)
    app.add_subapp("/sub", sub)
    await ask(app, "/sub/inner/x")
    assert said == ["+app", "+inner", "-inner", "-app"]


async def test_only_a_nested_application_has_middlewares():
    said = []
    app, sub = web.Application(), web.Application(middlewares=[noting(said, "sub")])

    async def handler(request):
        return web.Response(text=str(request.app is sub))

    sub.router.add_get("/x", handler)
    app.router.add_get("/own", handler)
    app.add_subapp("/sub", sub)
    assert (await ask(app, "/own")).text == "False"
    assert said == []
    assert (await ask(app, "/sub/x")).text == "True"
    assert said == ["+sub", "-sub"]


async def test_misses_pass_through_middlewares():
    @web.middleware
    async def soften(request, handler):
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return web.Response(text="nothing here")

    app = web.Application(middlewares=[soften])
    assert (await ask(app, "/zz")).text == "nothing here"
    assert (await ask(app, "/yy")).text == "nothing here"


async def test_an_undecorated_coroutine_function_is_a_middleware():
    async def mark(request, handler):
        response = await handler(request)
        response.headers["X-Marked"] = handler.__name__
        return response

    async def some_handler(request):
        return web.Response()

    app = web.Application(middlewares=[mark])
    app.router.add_get("/", some_handler)
    assert (await ask(app, "/")).headers["X-Marked"] == "some_handler"


async def test_attributes_of_a_handler_are_seen_through_other_middlewares():
    async def check(request, handler):
        return web.Response(text=handler.role)

    async def handler(request):
        return web.Response()

    handler.role = "admin"
    app = web.Application(middlewares=[check, noting([], "inner")])
    app.router.add_get("/", handler)
    assert (await ask(app, "/")).text == "admin"


async def test_middlewares_surround_views():
    class Page(web.View):
        async def get(self):
            return web.Response(text="view")

    said = []
    app = web.Application(middlewares=[noting(said, "m")])
    app.router.add_view("/", Page)
    assert (await ask(app, "/")).text == "view"
    assert said == ["+m", "-m"]


async def test_each_route_has_its_own_chain():
    app = web.Application(middlewares=[noting([], "m")])
    for name in ("a", "b"):

        async def handler(request, name=name):
            return web.Response(text=name)

        app.router.add_get(f"/{name}", handler)
    for name in ("a", "b", "a"):
        assert (await ask(app, f"/{name}")).text == name


# ----------------------------------------------------------------------- normalised paths


def served(*paths, **options):
    async def handler(request):
        return web.Response(text=request.path)

    app = web.Application(middlewares=[web.normalize_path_middleware(**options)])
    for path in paths:
        app.router.add_get(path, handler)
    return app


@pytest.mark.parametrize(
    ("options", "declared", "asked", "location"),
    [
        ({}, "/a/", "/a", "/a/"),
        ({}, "/a/", "/a?x=1&y=%20", "/a/?x=1&y=%20"),
        ({}, "/a/b", "//a///b", "/a/b"),
        ({}, "/a/b/", "//a///b", "/a/b/"),
        ({}, "/{x}/", "/a%2Fb", "/a%2Fb/"),
        ({"append_slash": False, "remove_slash": True}, "/a", "/a/", "/a"),
        ({"append_slash": False, "remove_slash": True}, "/a/b", "/a//b/", "/a/b"),
        ({"merge_slashes": False}, "/{x:.*}/", "//evil.org", "/evil.org/"),
    ],
)
async def test_a_path_nobody_serves_is_redirected_to_one_that_is(
    options, declared, asked, location
):
    async with serving(served(declared, **options)) as site:
        answer = await site.ask(asked)
    assert (answer.status, answer.headers["Location"]) == (308, location)


@pytest.mark.parametrize(
    ("options", "declared", "asked"),
    [
        ({}, "/a", "/a/"),
        ({"append_slash": False}, "/a/", "/a"),
        ({"merge_slashes": False}, "/a/b", "/a//b"),
        ({}, "/a/", "/zz"),
    ],
)
async def test_a_path_without_remedy_stays_404(options, declared, asked):
    with pytest.raises(web.HTTPNotFound):
        await ask(served(declared, **options), asked)


async def test_a_served_path_is_left_alone():
    assert (await ask(served("/a", "/a/"), "/a")).text == "/a"


async def test_the_redirection_can_be_chosen():
    with pytest.raises(web.HTTPMovedPermanently):
        await ask(served("/a/", redirect_class=web.HTTPMovedPermanently), "/a")


def test_appending_and_removing_exclude_each_other():
    with pytest.raises(ValueError, match="both"):
        web.normalize_path_middleware(append_slash=True, remove_slash=True)
