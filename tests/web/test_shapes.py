"""What is a coroutine function in aiohttp is one here, and what can be awaited there can be here.

Type checkers, ``inspect`` and ``unittest.mock`` tell a coroutine function from another; code that
decides by it (dispatchers, decorators, mocks made by ``create_autospec``) has to decide alike.
"""

from __future__ import annotations

import asyncio
import inspect
from types import ModuleType
from typing import Any
from unittest import mock

import aiohttp
import aiohttp.abc
import aiohttp.test_utils
import aiohttp.web
import pytest

import aiohttp_ws
import aiohttp_ws.abc
import aiohttp_ws.test_utils
from aiohttp_ws import ClientSession, ClientWebSocketResponse, web

as_aiohttp_3_14 = pytest.mark.skipif(
    not aiohttp.__version__.startswith("3.14."),
    reason="the interface followed is that of aiohttp 3.14: pip install 'aiohttp==3.14.*'",
)

MODULES: list[tuple[ModuleType, Any]] = [
    (aiohttp, aiohttp_ws),
    (aiohttp.web, web),
    (aiohttp.test_utils, aiohttp_ws.test_utils),
    (aiohttp.abc, aiohttp_ws.abc),
]
#: Special methods that may be coroutine functions. ``__anext__`` of a compiled class is a slot.
SPECIAL = {"__aenter__", "__aexit__"}
#: Compiled methods, which return awaitables.
COMPILED = {
    "ping",
    "pong",
    "receive",
    "receive_bytes",
    "receive_json",
    "receive_message",
    "receive_str",
    "send_bytes",
    "send_frame",
    "send_json",
    "send_json_bytes",
    "send_message",
    "send_str",
}


def kind(function: Any) -> str:
    if inspect.isasyncgenfunction(function):
        return "asynchronous generator function"
    return "coroutine function" if inspect.iscoroutinefunction(function) else "function"


def owners() -> dict[str, tuple[Any, Any]]:
    """aiohttp's modules and classes that are here too, with ours, by their names."""
    found: dict[str, tuple[Any, Any]] = {pair[0].__name__: pair for pair in MODULES}
    for theirs, ours in MODULES:
        for name in getattr(theirs, "__all__", dir(theirs)):
            their, our = getattr(theirs, name, None), getattr(ours, name, None)
            if inspect.isclass(their) and their.__module__.startswith("aiohttp") and our:
                found.setdefault(name, (their, our))
    return found


def kinds(owner: Any, like: Any) -> dict[str, str]:
    """The kinds of *owner*'s public functions that are functions in *like* too."""
    return {
        name: kind(getattr(owner, name))
        for name in dir(like)
        if (not name.startswith("_") or name in SPECIAL)
        and hasattr(owner, name)
        and inspect.isfunction(getattr(like, name))
        and getattr(like, name).__module__.startswith("aiohttp")
    }


@as_aiohttp_3_14
@pytest.mark.parametrize("name", owners())
def test_functions_are_of_the_kind_that_they_are_in_aiohttp(name: str) -> None:
    their, our = owners()[name]
    wanted, found = kinds(their, their), kinds(our, their)
    assert found == {member: wanted[member] for member in found}


@pytest.mark.parametrize("method", sorted(COMPILED))
@pytest.mark.parametrize("owner", [web.WebSocketResponse, ClientWebSocketResponse])
def test_a_mock_of_a_websocket_is_awaited_where_the_websocket_is(owner: Any, method: str) -> None:
    assert asyncio.iscoroutinefunction(getattr(owner, method))
    for made in (
        mock.create_autospec(owner, instance=True),
        mock.AsyncMock(spec_set=owner),
        mock.MagicMock(spec=owner),
    ):
        assert inspect.iscoroutinefunction(getattr(made, method))


@as_aiohttp_3_14
@pytest.mark.parametrize("name", ["get_extra_info", "exception"])
@pytest.mark.parametrize("owner", [web.WebSocketResponse, ClientWebSocketResponse])
def test_a_mock_of_a_websocket_is_called_where_the_websocket_is(owner: Any, name: str) -> None:
    made = mock.create_autospec(owner, instance=True)
    arguments = ("peername",) if name == "get_extra_info" else ()
    # The flags of a mocked function are a mock, so true: its kind cannot be asked for.
    assert not inspect.isawaitable(getattr(made, name)(*arguments))


async def test_release_of_a_response_may_be_awaited_or_not(aiohttp_client: Any) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    client = await aiohttp_client(app)
    response = await client.get("/")
    assert await response.release() is None
    assert response.closed
    response = await client.get("/")
    response.release()
    assert response.closed
    assert await response.release() is None


async def test_the_repr_and_the_stack_of_a_request_in_a_task_name_the_call() -> None:
    async with ClientSession() as session:
        for task, name in (
            (asyncio.ensure_future(session.get("http://localhost:1/")), "ClientSession._request"),
            (asyncio.ensure_future(session.ws_connect("http://localhost:1/")), "connect_websocket"),
        ):
            assert f"coro=<{name}()" in repr(task)
            assert [frame.f_code.co_name for frame in task.get_stack()] == [name.split(".")[-1]]
            task.cancel()
            await asyncio.wait([task])


@pytest.mark.parametrize("connector_type", [aiohttp_ws.BaseConnector, aiohttp_ws.UnixConnector])
async def test_close_of_a_connector_may_be_awaited_or_not(connector_type: Any) -> None:
    options = {"path": "/nowhere"} if connector_type is aiohttp_ws.UnixConnector else {}
    connector = connector_type(**options)
    connector.close()
    assert connector.closed
    await connector.close()
    connector = connector_type(**options)
    await connector.close()
    assert connector.closed


async def test_close_of_a_tcp_connector_acts_when_it_is_awaited() -> None:
    connector = aiohttp_ws.TCPConnector()
    closing = connector.close()
    assert not connector.closed
    await closing
    assert connector.closed
