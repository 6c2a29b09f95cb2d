"""Routes as data."""

from __future__ import annotations

import pytest

from aiohttp_ws import web


async def handler(request):
    return web.Response()


def registered(*definitions):
    app = web.Application()
    app.add_routes(definitions)
    return [(route.method, route.resource.canonical) for route in app.router.routes()]


@pytest.mark.parametrize("method", ["head", "post", "put", "patch", "delete", "options"])
def test_each_method_has_its_function(method):
    assert registered(getattr(web, method)("/x", handler)) == [(method.upper(), "/x")]


def test_get_serves_head_unless_told_not_to():
    assert registered(web.get("/x", handler)) == [("HEAD", "/x"), ("GET", "/x")]
    assert registered(web.get("/x", handler, allow_head=False)) == [("GET", "/x")]


def test_route_takes_any_method():
    assert registered(web.route("PROPFIND", "/x", handler)) == [("PROPFIND", "/x")]
    assert registered(web.route("*", "/x", handler)) == [("*", "/x")]


def test_view_serves_all_methods():
    class Page(web.View):
        async def get(self):
            return web.Response()

    assert registered(web.view("/x", Page)) == [("*", "/x")]


def test_static_adds_a_folder(tmp_path):
    assert registered(web.static("/s", tmp_path)) == [("GET", "/s"), ("HEAD", "/s")]


def test_names_are_passed_on():
    app = web.Application()
    routes = app.add_routes([web.get("/x", handler, name="x")])
    assert app.router["x"].canonical == "/x"
    assert [route.name for route in routes] == ["x"]


def test_definitions_are_equal_by_value_and_show_themselves():
    assert web.get("/x", handler) == web.get("/x", handler)
    assert web.get("/x", handler) != web.get("/y", handler)
    assert repr(web.post("/x", handler, name="n")) == "<RouteDef POST /x -> 'handler', name='n'>"
    assert repr(web.static("/s", "d", show_index=True)) == "<StaticDef /s -> d, show_index=True>"


def test_a_table_collects_by_decorators(tmp_path):
    routes = web.RouteTableDef()

    @routes.get("/a", name="a")
    @routes.post("/a")
    async def both(request):
        return web.Response()

    @routes.view("/v")
    class Page(web.View):
        pass

    routes.static("/s", tmp_path)
    for method in ("head", "put", "patch", "delete", "options"):
        getattr(routes, method)(f"/{method}")(handler)
    routes.route("LINK", "/l")(handler)

    assert len(routes) == 10
    assert routes[0].method == "POST"
    assert routes[1].handler is both
    assert list(routes)[:2] == routes[:2]
    assert routes[0] in routes
    assert repr(routes) == "<RouteTableDef count=10>"
    assert registered(*routes)[:4] == [("POST", "/a"), ("HEAD", "/a"), ("GET", "/a"), ("*", "/v")]
