"""A kind of resource of one's own: one class, and a call that registers it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from yarl import URL

from aiohttp_ws import web
from aiohttp_ws.web.resources import NO_MATCH, NO_METHODS, MatchingResource, Resolved


class Single(MatchingResource):
    """A resource with one route."""

    def __init__(self, handler: Any) -> None:
        super().__init__()
        self.route = web.ResourceRoute("*", handler, self)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter([self.route])

    def url_for(self, **kwargs: str) -> URL:
        return URL(self.canonical)

    def add_prefix(self, prefix: str) -> None:
        raise NotImplementedError

    def get_info(self) -> dict[str, Any]:
        return {}

    def raw_match(self, path: str) -> bool:
        return False

    def matched(self, **parameters: str) -> Resolved:
        return web.UrlMappingMatchInfo(parameters, self.route), NO_METHODS


class ByHeader(Single):
    canonical = "X-Version"
    index_key = None

    def find(self, request: web.Request, path: str) -> Resolved:
        version = request.headers.get("X-Version")
        return NO_MATCH if version is None else self.matched(version=version)


class Dated(Single):
    """``/news/YYYY-MM-DD``; its key follows from ``canonical``."""

    canonical = "/news/{date}"

    def find(self, request: web.Request, path: str) -> Resolved:
        date = path.rpartition("/")[2]
        return self.matched(date=date) if date.count("-") == 2 else NO_MATCH


async def answer(request: web.Request) -> web.Response:
    return web.json_response(dict(request.match_info))


@pytest.fixture
def app() -> web.Application:
    app = web.Application()
    app.router.register_resource(ByHeader(answer))
    app.router.register_resource(Dated(answer))
    app.router.add_get("/news/latest", answer)
    return app


@pytest.mark.parametrize(
    ("path", "headers", "matched"),
    [
        ("/news/2026-11-27", {}, {"date": "2026-11-27"}),
        ("/news/latest", {}, {}),
        ("/news/other", {"X-Version": "2"}, {"version": "2"}),
        ("/elsewhere", {"X-Version": "2"}, {"version": "2"}),
        ("/news/2026-11-27", {"X-Version": "2"}, {"version": "2"}),
    ],
)
async def test_the_router_asks_every_kind_of_resource(
    aiohttp_client, app, path: str, headers: dict[str, str], matched: dict[str, str]
):
    client = await aiohttp_client(app)
    async with client.get(path, headers=headers) as response:
        assert await response.json() == matched


async def test_a_path_that_no_resource_takes_is_not_found(aiohttp_client, app):
    client = await aiohttp_client(app)
    async with client.get("/news/other") as response:
        assert response.status == 404


def test_only_resources_that_can_match_are_tried(app):
    dated = next(iter(each for each in app.router.resources() if isinstance(each, Dated)))
    assert dated.index_key == "/news"
    assert list(app.router._candidates("/elsewhere")) == [
        each for each in app.router.resources() if isinstance(each, ByHeader)
    ]
