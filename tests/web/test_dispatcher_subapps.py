"""Nested applications in the router: prefixes and domains."""

from __future__ import annotations

import pytest

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request


async def handler(request):
    return web.Response()


async def resolve(app, method, path, host="example.org"):
    app.freeze()
    request = make_mocked_request(method, path, headers={"Host": host})
    return await app.router.resolve(request)


def app_with(*paths, name=None):
    app = web.Application()
    for path in paths:
        app.router.add_get(path, handler, name=name)
    return app


async def test_a_prefix_is_put_before_every_path():
    app, sub, inner = web.Application(), app_with("/", "/{x}/w"), app_with("/z", "")
    sub.add_subapp("/in", inner)
    app.add_subapp("/sub/", sub)
    for path, apps in {
        "/sub/": (sub,),
        "/sub/1/w": (sub,),
        "/sub/in": (sub, inner),
        "/sub/in/z": (sub, inner),
    }.items():
        match = await resolve(app, "GET", path)
        assert match.http_exception is None, path
        assert match.apps == apps


async def test_a_nested_application_owns_its_prefix():
    app, sub = web.Application(), app_with("/a")
    app.add_subapp("/sub", sub)
    app.router.add_get("/sub", handler)
    for path in ("/sub", "/sub/", "/sub/zz"):
        match = await resolve(app, "GET", path)
        assert match.http_exception.status == 404
        assert match.apps == (sub,)
    assert (await resolve(app, "GET", "/subway")).apps == ()
    assert (await resolve(app, "GET", "/sub%2Fa")).http_exception.status == 404


async def test_405_of_a_nested_application_has_its_methods():
    app = web.Application()
    app.add_subapp("/sub", app_with("/a"))
    match = await resolve(app, "PUT", "/sub/a")
    assert match.http_exception.headers["Allow"] == "GET,HEAD"


def test_urls_of_a_nested_application_have_its_prefix():
    app, sub = web.Application(), app_with("/{x}", name="r")
    resource = app.add_subapp("/pre fix", sub)
    assert str(sub.router["r"].url_for(x="1")) == "/pre%20fix/1"
    assert resource.canonical == "/pre%20fix"
    assert resource.get_info() == {"app": sub, "prefix": "/pre%20fix"}
    assert len(resource) == len(list(resource)) == 2
    with pytest.raises(RuntimeError):
        resource.url_for()


@pytest.mark.parametrize(("prefix", "error"), [("", ValueError), ("/", ValueError), (1, TypeError)])
def test_a_prefix_must_hold_something(prefix, error):
    with pytest.raises(error, match="prefix"):
        web.Application().add_subapp(prefix, web.Application())


def test_a_prefix_starts_with_a_slash():
    with pytest.raises(ValueError, match="start with"):
        web.Application().add_subapp("x", web.Application())


def test_an_application_is_nested_under_one_prefix_only():
    app, sub = web.Application(), web.Application()
    app.add_subapp("/a", sub)
    with pytest.raises(RuntimeError, match="/a"):
        app.add_subapp("/b", sub)


def test_frozen_applications_are_not_nested():
    frozen = web.Application()
    frozen.freeze()
    with pytest.raises(RuntimeError, match="frozen"):
        frozen.add_subapp("/a", web.Application())
    with pytest.raises(RuntimeError, match="frozen"):
        web.Application().add_subapp("/a", frozen)


def test_a_nested_application_is_closed_for_routes_but_not_for_state():
    app, sub = web.Application(), web.Application()
    app.add_subapp("/a", sub)
    assert sub.pre_frozen
    assert not sub.frozen
    sub[web.AppKey("k", int)] = 1
    with pytest.raises(RuntimeError, match="frozen"):
        sub.router.add_get("/", handler)


@pytest.mark.parametrize(
    ("domain", "host", "matches"),
    [
        ("example.com", "example.com", True),
        ("Example.COM", "EXAMPLE.com", True),
        ("example.com", "www.example.com", False),
        ("example.com", "example.com:8080", True),
        ("example.com", "example.com.org:8080", False),
        ("example.com:81", "example.com:82", False),
        ("example.com:8080", "example.com:8080", True),
        ("example.com:80", "example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com:81", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.example.com.evil.org", False),
        ("*", "anything:1", True),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai", True),
    ],
)
async def test_a_domain_chooses_an_application(domain, host, matches):
    app, sub = web.Application(), app_with("/a")
    app.add_domain(domain, sub)
    match = await resolve(app, "GET", "/a", host=host)
    assert (match.http_exception is None) is matches
    assert match.apps == ((sub,) if matches else ())


@pytest.mark.parametrize("frozen", [False, True])
async def test_domains_come_before_paths(frozen):
    app, sub = app_with("/a"), app_with("/a", "/b")
    app.add_domain("in.org", sub)
    if frozen:
        app.freeze()
    assert (await resolve(app, "GET", "/a", host="in.org")).apps == (sub,)
    assert (await resolve(app, "GET", "/a", host="out.org")).apps == ()
    assert (await resolve(app, "GET", "/b", host="in.org")).apps == (sub,)
    # The application that was chosen has the last word.
    assert (await resolve(app, "GET", "/none", host="in.org")).apps == (sub,)


async def test_a_plain_path_of_a_started_application_is_left_to_the_domain(aiohttp_client):
    async def own(request):
        return web.Response(text="own")

    async def of_domain(request):
        return web.Response(text="domain")

    app, sub = web.Application(), web.Application()
    app.router.add_get("/", own)
    sub.router.add_get("/", of_domain)
    app.add_domain("*.example.com", sub)
    client = await aiohttp_client(app)
    for host, text in (("a.example.com", "domain"), ("example.com", "own")):
        async with client.get("/", headers={"Host": host}) as response:
            assert await response.text() == text


@pytest.mark.parametrize("domain", ["", "http://x", "a b", "-x.com", "a..b", "a_b.com", "x:port"])
def test_what_is_no_domain_is_refused(domain):
    with pytest.raises(ValueError, match="domain"):
        web.Application().add_domain(domain, web.Application())
    with pytest.raises(TypeError):
        web.Application().add_domain(1, web.Application())


async def test_a_domain_inside_a_prefix():
    app, sub, by_host = web.Application(), web.Application(), app_with("/x")
    sub.add_domain("in.org", by_host)
    app.add_subapp("/p", sub)
    assert (await resolve(app, "GET", "/p/x", host="in.org")).apps == (sub, by_host)
    assert (await resolve(app, "GET", "/p/x")).http_exception.status == 404


async def test_files_inside_a_prefix(tmp_path):
    app, sub = web.Application(), web.Application()
    sub.router.add_static("/st", tmp_path, name="st")
    app.add_subapp("/p", sub)
    assert await resolve(app, "GET", "/p/st/a%20b/c") == {"filename": "a b/c"}
    assert str(sub.router["st"].url_for(filename="a b/c")) == "/p/st/a%20b/c"
