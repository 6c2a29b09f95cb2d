"""Many resources that begin alike: those that can match are found as if all were tried in turn."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_ws import web
from aiohttp_ws.test_utils import make_mocked_request
from aiohttp_ws.web import dispatcher

SEGMENTS = st.sampled_from(["a", "b", "c", "{x}", "{y}", "v{x}", "{x:a|b}", "{x:.+}", "a b", "%20"])
TEMPLATES = st.lists(
    st.lists(SEGMENTS, min_size=1, max_size=4, unique=True).filter(
        lambda parts: "".join(parts).count("{x") < 2
    ),
    min_size=1,
    max_size=25,
)
PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "va", "a%20b", "%20", "a%2Fb", ""]), max_size=5),
    min_size=1,
    max_size=20,
)


async def handler(request):
    return web.Response()


def router_of(templates, prefix=""):
    app = web.Application()
    for number, parts in enumerate(templates):
        method = ("GET", "POST", "*")[number % 3]
        resource = web.DynamicResource("/p/{z}/" + "/".join(parts))
        resource.add_route(method, handler)
        app.router.register_resource(resource)
    if prefix:
        outer = web.Application()
        outer.add_subapp(prefix, app)
        app = outer
    app.freeze()
    return app.router


def answer(router, request):
    found = router.find(request, dispatcher.safe_path(request._message.path))
    refused = found.http_exception
    if refused is not None:
        return refused.status, getattr(refused, "allowed_methods", None)
    return found.route.resource.canonical, dict(found)


@settings(deadline=None)
@given(templates=TEMPLATES, paths=PATHS, prefix=st.sampled_from(["", "/sub"]))
def test_what_is_found_is_what_trying_all_in_turn_finds(templates, paths, prefix):
    router = router_of(templates, prefix)
    few = dispatcher._FEW
    for parts in paths:
        request = make_mocked_request("GET", prefix + "/p/1/" + "/".join(parts))
        quick = answer(router, request)
        dispatcher._FEW = 1_000
        try:
            assert quick == answer(router, request)
        finally:
            dispatcher._FEW = few


def test_only_what_can_match_is_tried(monkeypatch):
    router = router_of([[name] for name in "abcdefghij"])
    tried = []
    match_path = web.DynamicResource.match_path

    def noted(resource, path):
        tried.append(resource.canonical)
        return match_path(resource, path)

    monkeypatch.setattr(web.DynamicResource, "match_path", noted)
    assert answer(router, make_mocked_request("GET", "/p/1/d"))[0] == "/p/{z}/d"
    assert tried == ["/p/{z}/d"]
