"""The router: what matches, in which order, and what a miss is answered with."""

from __future__ import annotations

import re

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request


async def handler(request):
    return web.Response()


async def other(request):
    return web.Response()


@pytest.fixture(params=["open", "frozen"])
def resolve(request):
    """Resolve on a router that may still grow, and on one that is frozen."""

    async def resolve(router, method, path, **headers):
        if request.param == "frozen":
            router.freeze()
        return await router.resolve(make_mocked_request(method, path, headers=headers))

    return resolve


@pytest.fixture
def router():
    return web.UrlDispatcher()


def status(match):
    return match.http_exception and match.http_exception.status


# ------------------------------------------------------------------------- plain paths


async def test_a_plain_path_is_found(router, resolve):
    route = router.add_get("/a", handler)
    match = await resolve(router, "GET", "/a?x=1")
    assert match.route is route
    assert match.handler is handler
    assert match == {}
    assert match.http_exception is None


async def test_get_serves_head_too(router, resolve):
    router.add_get("/a", handler)
    assert (await resolve(router, "HEAD", "/a")).handler is handler


async def test_allow_head_false_leaves_head_out(router, resolve):
    router.add_get("/a", handler, allow_head=False)
    assert status(await resolve(router, "HEAD", "/a")) == 405


async def test_a_star_route_serves_all_methods(router, resolve):
    router.add_route("*", "/a", handler)
    assert (await resolve(router, "PROPFIND", "/a")).handler is handler


async def test_405_lists_the_methods_of_all_resources_that_match(router, resolve):
    router.add_get("/a", handler)
    router.add_post("/{name}", handler)
    match = await resolve(router, "DELETE", "/a")
    assert status(match) == 405
    assert match.http_exception.headers["Allow"] == "GET,HEAD,POST"
    with pytest.raises(web.HTTPMethodNotAllowed):
        await match.handler(None)


async def test_a_method_missing_at_a_plain_path_is_found_at_a_dynamic_one(router, resolve):
    router.add_get("/a", handler)
    router.add_post("/{name}", other)
    match = await resolve(router, "POST", "/a")
    assert match.handler is other
    assert match == {"name": "a"}


@pytest.mark.parametrize("path", ["/zz", "/a/", "//a", "/./a", "/x/../a", "/A", "/a%2F", "*"])
async def test_other_paths_are_404(router, resolve, path):
    router.add_get("/a", handler)
    assert status(await resolve(router, "OPTIONS" if path == "*" else "GET", path)) == 404


@pytest.mark.parametrize(
    ("declared", "requested"),
    [
        ("/a", "/%61"),
        ("/é b", "/%C3%A9%20b"),
        ("/%C3%A9%20b", "/%C3%A9%20b"),
        ("/s%2Fl", "/s%2fl"),
        ("/{x}/é b", "/1/%C3%A9%20b"),
        ("/é/{x}", "/%C3%A9/1"),
    ],
)
async def test_a_path_matches_however_it_is_encoded(router, resolve, declared, requested):
    router.add_get(declared, handler)
    assert (await resolve(router, "GET", requested)).handler is handler


async def test_an_encoded_slash_is_no_separator(router, resolve):
    router.add_get("/s/l", handler)
    router.add_get("/{x}/y", other)
    assert status(await resolve(router, "GET", "/s%2Fl")) == 404
    assert await resolve(router, "GET", "/a%2Fb/y") == {"x": "a/b"}


# ----------------------------------------------------------------------- dynamic paths


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("/{x}", "/v", {"x": "v"}),
        ("/{x}", "/a%20b", {"x": "a b"}),
        ("/{x}", "/f%25o", {"x": "f%o"}),
        ("/{x}", "/f%252Fo", {"x": "f%2Fo"}),
        ("/{x}", "/a+b", {"x": "a+b"}),
        ("/{x}", "/a/b", None),
        ("/{x}", "/", None),
        (r"/{n:\d+}", "/12", {"n": "12"}),
        (r"/{n:\d+}", "/1a", None),
        (r"/{n:\d{2}}", "/12", {"n": "12"}),
        (r"/{n:\d{2}}", "/123", None),
        ("/{tail:.*}", "/", {"tail": ""}),
        ("/{tail:.*}/end", "/a/b/end", {"tail": "a/b"}),
        ("/a{x}b{y:.+}/c", "/a1b2/3/c", {"x": "1", "y": "2/3"}),
        ("/v1.0/{x}", "/v1.0/z", {"x": "z"}),
        ("/v1.0/{x}", "/v1x0/z", None),
    ],
)
async def test_parameters_are_taken_from_the_path(router, resolve, template, path, parameters):
    router.add_get(template, handler)
    match = await resolve(router, "GET", path)
    if parameters is None:
        assert status(match) == 404
    else:
        assert match == parameters


async def test_the_longer_fixed_path_wins_whatever_the_order(router, resolve):
    router.add_get("/{tail:.*}", other)
    router.add_get("/a/{x}", handler)
    assert (await resolve(router, "GET", "/a/1")).handler is handler
    assert (await resolve(router, "GET", "/b/1")).handler is other


async def test_at_one_fixed_path_the_first_registered_wins(router, resolve):
    router.add_get("/{x:.*}", other)
    router.add_get("/", handler)
    assert (await resolve(router, "GET", "/")).handler is other


@pytest.mark.parametrize(
    "path", ["/{x", "/x}", "/{}", "/{1x}", "/{x:}", "/{x-y}", "/{x}}", "/{x:[}", "/{x}/{x}", "a"]
)
def test_a_malformed_path_is_refused(router, path):
    with pytest.raises(ValueError, match=re.escape(path)):
        router.add_resource(path)


# -------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("template", "parts", "url"),
    [
        ("/a b", {}, "/a%20b"),
        ("/é", {}, "/%C3%A9"),
        ("/%C3%A9", {}, "/%C3%A9"),
        ("/{x}", {"x": "a b"}, "/a%20b"),
        ("/{x}", {"x": "a/b"}, "/a/b"),
        ("/{x}", {"x": "é%2F"}, "/%C3%A9%252F"),
        ("/{x}", {"x": "a?b#c"}, "/a%3Fb%23c"),
        ("/{x}", {"x": "a+b&=;:@"}, "/a+b&=;:@"),
        (r"/{x:\d+}/é", {"x": "1"}, "/1/%C3%A9"),
        ("/{x}", {"x": "..", "unused": "y"}, "/.."),
    ],
)
def test_urls_are_built_and_quoted(router, template, parts, url):
    resource = router.add_resource(template, name="there")
    assert str(resource.url_for(**parts)) == url
    assert router["there"] is resource


def test_url_for_needs_every_parameter_as_str(router):
    resource = router.add_resource("/{x}")
    with pytest.raises(KeyError, match="x"):
        resource.url_for()
    with pytest.raises(TypeError, match="1"):
        resource.url_for(x=1)


async def test_a_parameter_survives_the_way_out_and_in(router, resolve):
    router.add_get("/{x:.*}", handler, name="r")
    for value in ("a b", "a%2Fb", "ü?#&", "100%", "a/b"):
        url = router["r"].url_for(x=value)
        assert (await resolve(router, "GET", str(url)))["x"] == value


# --------------------------------------------------------------------- names and routes


@pytest.mark.parametrize("name", ["class", "a b", "1a", "", "a..b", "a/b"])
def test_a_name_is_made_of_identifiers(router, name):
    with pytest.raises(ValueError, match="name"):
        router.add_get("/", handler, name=name)


def test_names_are_unique_and_make_a_mapping(router):
    router.add_get("/a", handler, name="a")
    router.add_get("/b", handler, name="b.c:d-e")
    assert list(router) == ["a", "b.c:d-e"]
    assert len(router) == 2
    assert "a" in router
    assert router.get("zz") is None
    assert dict(router.named_resources()) == dict(router)
    with pytest.raises(ValueError, match="duplicate"):
        router.add_get("/c", handler, name="a")


def test_routes_and_resources_are_listed_in_order(router):
    router.add_get("/a", handler)
    router.add_post("/a", handler)
    router.add_put("/{x}", handler)
    assert [r.canonical for r in router.resources()] == ["/a", "/{x}"]
    assert [r.method for r in router.routes()] == ["HEAD", "GET", "POST", "PUT"]
    assert len(router.routes()) == 4
    assert router.routes()
    assert next(iter(router.resources())) in router.resources()


def test_a_route_that_can_never_be_reached_is_refused(router):
    router.add_get("/a", handler)
    with pytest.raises(RuntimeError, match=r"GET|HEAD"):
        router.add_get("/a", handler)
    router.add_route("*", "/b", handler)
    with pytest.raises(RuntimeError, match=r"\*"):
        router.add_post("/b", handler)


@pytest.mark.parametrize("method", ["G T", "", "GET\r\n", "GÉT"])
def test_a_method_is_a_token(router, method):
    with pytest.raises(ValueError, match="method"):
        router.add_route(method, "/", handler)


def test_methods_are_upper_case(router):
    assert router.add_route("get", "/", handler).method == "GET"
    assert router.add_route("foo-bar", "/f", handler).method == "FOO-BAR"


@pytest.mark.parametrize("method", ["head", "options", "get", "post", "put", "patch", "delete"])
async def test_each_method_has_its_adder(router, resolve, method):
    getattr(router, f"add_{method}")("/", handler)
    assert (await resolve(router, method.upper(), "/")).handler is handler


def test_a_frozen_router_refuses_routes(router):
    resource = router.add_resource("/a")
    router.freeze()
    assert router.frozen
    with pytest.raises(RuntimeError, match="frozen"):
        router.add_get("/b", handler)
    with pytest.raises(RuntimeError, match="frozen"):
        resource.add_route("GET", handler)


def test_a_handler_must_be_callable(router):
    with pytest.raises(TypeError, match="5"):
        router.add_get("/", 5)


async def test_a_plain_function_warns_and_works(router):
    def plain(request):
        return "answer"

    with pytest.warns(DeprecationWarning, match="async def"):
        route = router.add_route("GET", "/", plain)
    assert await route.handler(None) == "answer"


def test_expect_handler_must_be_a_coroutine_function(router):
    with pytest.raises(TypeError, match="expect_handler"):
        router.add_get("/", handler, expect_handler=lambda request: None)


def test_info_describes_resources(router):
    assert router.add_resource("/a").get_info() == {"path": "/a"}
    info = router.add_resource("/{x}").get_info()
    assert info["formatter"] == "/{x}"
    assert info["pattern"].fullmatch("/1")


async def test_an_own_resource_class_is_asked(router, resolve):
    class Odd(web.PlainResource):
        async def resolve(self, request):
            if request.headers.get("X-Odd"):
                return await super().resolve(request)
            return None, set()

    resource = Odd("/odd")
    resource.add_route("GET", handler)
    router.register_resource(resource)
    assert status(await resolve(router, "GET", "/odd")) == 404
    assert (await resolve(router, "GET", "/odd", **{"X-Odd": "1"})).handler is handler


async def test_matches_are_not_shared_between_requests(router, resolve):
    router.add_get("/a", handler)
    first = await resolve(router, "GET", "/a")
    first["left"] = "behind"
    assert await resolve(router, "GET", "/a") == {}


async def test_a_frozen_match_refuses_applications(router, resolve):
    router.add_get("/a", handler)
    match = await resolve(router, "GET", "/a")
    app = web.Application()
    match.add_app(app)
    assert match.apps == (app,)
    assert match.current_app is app
    match.freeze()
    with pytest.raises(RuntimeError, match="frozen"):
        match.add_app(app)
    with pytest.raises(RuntimeError):
        match.current_app = web.Application()
