"""route(): handlers by path, with werkzeug's rules."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from aiohttp_ws.websockets import Router, route, unix_connect, unix_route

from .ends import theirs, url_of

routing = pytest.importorskip("werkzeug.routing", reason="pip install werkzeug")


async def say(connection: Any, **kwargs: Any) -> None:
    await connection.send(repr(kwargs))


def url_map() -> Any:
    return routing.Map(
        [
            routing.Rule("/", endpoint=say),
            routing.Rule("/channel/<int:number>/<name>", endpoint=say),
            routing.Rule("/old", redirect_to="/"),
        ]
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "{}"),
        ("/?query=1", "{}"),
        ("/channel/5/a%20b", "{'number': 5, 'name': 'a b'}"),
        ("/old", "{}"),
    ],
)
async def test_a_path_chooses_the_handler_and_its_arguments(path: str, said: str):
    async with (
        route(url_map(), "127.0.0.1", 0) as server,
        theirs.connect(url_of(server, path)) as client,
    ):
        assert await client.recv() == said


async def test_an_unknown_path_is_answered_404():
    async with route(url_map(), "127.0.0.1", 0) as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server, "/unknown"))
        assert caught.value.response.status_code == 404
        assert caught.value.response.body == b"Not Found"


@pytest.mark.parametrize(
    ("kwargs", "location"),
    [
        ({"server_name": "public.test"}, "ws://public.test/"),
        ({"server_name": "public.test", "ssl": True}, "wss://public.test/"),
    ],
)
async def test_redirects_name_the_server_as_clients_see_it(kwargs: Any, location: str):
    class Quiet(theirs.connect):  # type: ignore[misc]
        def process_redirect(self, exc: Exception) -> Exception:
            return exc

    async with route(url_map(), "127.0.0.1", 0, **kwargs) as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await Quiet(url_of(server, "/old"))
        assert caught.value.response.headers["Location"] == location


async def test_process_request_comes_first():
    async def process(connection: Any, request: Any) -> Any:
        return connection.respond(200, "") if request.path == "/health" else None

    async with route(url_map(), "127.0.0.1", 0, process_request=process) as server:
        with pytest.raises(theirs.InvalidStatus, match="200"):
            await theirs.connect(url_of(server, "/health"))
        async with theirs.connect(url_of(server)) as client:
            assert await client.recv() == "{}"


async def test_create_router_changes_the_dispatching():
    class Mine(Router):
        def not_found(self, connection: Any) -> Any:
            return connection.respond(418, "tea")

    async with route(url_map(), "127.0.0.1", 0, create_router=Mine) as server:
        with pytest.raises(theirs.InvalidStatus, match="418"):
            await theirs.connect(url_of(server, "/unknown"))


async def test_unix_route(tmp_path: Path):
    path = tmp_path / "socket"
    async with unix_route(url_map(), str(path)), unix_connect(path, "ws://x/channel/1/a") as client:
        assert await client.recv() == "{'number': 1, 'name': 'a'}"


def test_without_werkzeug_the_error_names_it(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("werkzeug"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install werkzeug"):
        route(None, "127.0.0.1", 0)  # type: ignore[arg-type]
