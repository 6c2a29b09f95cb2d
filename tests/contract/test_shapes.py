"""What tools and subclasses see: coroutine functions, and methods that can be replaced."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any
from unittest import mock

import pytest

from aiohttp_ws import ClientWebSocketResponse, WSMessage, WSMsgType, web, websockets
from tests.ws.raw_end import TEXT

from .sides import Sides

STREAM = [
    *("send_str", "send_bytes", "send_json", "send_frame", "ping", "pong", "close"),
    *("receive", "receive_str", "receive_bytes", "receive_json"),
]
AWAITABLE = {
    web.WebSocketResponse: [*STREAM, "prepare", "write", "write_eof"],
    ClientWebSocketResponse: STREAM,
    websockets.ServerConnection: ["send", "recv", "ping", "pong", "close", "wait_closed"],
    websockets.ClientConnection: ["send", "recv", "ping", "pong", "close", "wait_closed"],
}
METHODS = [(owner, name) for owner, names in AWAITABLE.items() for name in names]
by_method = pytest.mark.parametrize(
    ("owner", "name"), METHODS, ids=[f"{owner.__name__}.{name}" for owner, name in METHODS]
)


@by_method
def test_an_awaitable_method_is_a_coroutine_function(owner: type, name: str) -> None:
    method = getattr(owner, name)
    assert inspect.iscoroutinefunction(method)
    with mock.patch("warnings.warn"):  # asyncio's own is deprecated from Python 3.14 on
        assert asyncio.iscoroutinefunction(method)


@by_method
def test_a_mock_of_an_awaitable_method_can_be_awaited(owner: type, name: str) -> None:
    specified = mock.create_autospec(owner, instance=True)
    assert isinstance(getattr(specified, name), mock.AsyncMock) or inspect.iscoroutinefunction(
        getattr(specified, name)
    )
    assert isinstance(getattr(mock.AsyncMock(spec_set=owner), name), mock.AsyncMock)


@by_method
def test_an_awaitable_method_has_its_name_and_parameters(owner: type, name: str) -> None:
    method = getattr(owner, name)
    assert method.__name__ == name
    assert method.__qualname__.endswith(f".{name}")
    assert inspect.signature(method).parameters


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_a_task_names_what_it_waits_for(sides: Sides) -> None:
    end, _ = await sides.open()
    receive = end.raw.receive if end.api == "web" else end.raw.recv
    task = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    assert ("receive" if end.api == "web" else "recv") in repr(task)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_a_call_can_be_made_a_task(sides: Sides) -> None:
    end, peer = await sides.open()
    send = end.raw.send_str if end.api == "web" else end.raw.send
    await asyncio.get_running_loop().create_task(send("from a task"))
    assert (await peer.receive()).payload == b"from a task"
    task = asyncio.create_task(end.raw.receive() if end.api == "web" else end.raw.recv())
    peer.send(TEXT, "to a task")
    received = await task
    assert (received.data if end.api == "web" else received) == "to a task"


@pytest.mark.only(wire=["plain"], api=["web", "messages"])
async def test_a_receive_driven_by_hand_and_dropped_makes_room_for_another(sides: Sides) -> None:
    end, peer = await sides.open()
    receive = end.raw.receive if end.api == "web" else end.raw.recv
    dropped = receive()
    assert dropped.send(None) is not None
    del dropped
    peer.send(TEXT, "for the next")
    assert await end.receive() == "for the next"


# -------------------------------------------------------------------------- subclasses


class Shouting:
    """Overrides what the other methods of an aiohttp WebSocket go through."""

    async def receive(self, *args: Any, **kwargs: Any) -> WSMessage:
        message = await super().receive(*args, **kwargs)  # type: ignore[misc]
        if message.type is WSMsgType.TEXT:
            message = message._replace(data=message.data.upper())
        return message  # type: ignore[no-any-return]

    async def send_str(self, data: str, *args: Any, **kwargs: Any) -> None:
        await super().send_str(data.upper(), *args, **kwargs)  # type: ignore[misc]


class ShoutingResponse(Shouting, web.WebSocketResponse):  # type: ignore[misc]
    pass


class ShoutingClient(Shouting, ClientWebSocketResponse):  # type: ignore[misc]
    pass


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends of the web API are of the subclasses."""
    from aiohttp_ws import ClientSession

    monkeypatch.setattr(web, "WebSocketResponse", ShoutingResponse)
    plain = ClientSession.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, ws_response_class=ShoutingClient, **kwargs)

    monkeypatch.setattr(ClientSession, "__init__", init)


@pytest.mark.only(wire=["plain"], api=["web"])
@pytest.mark.usefixtures("shouting")
async def test_a_subclasss_methods_are_what_the_others_call(sides: Sides) -> None:
    end, peer = await sides.open()
    ws = end.raw
    assert isinstance(ws, Shouting)
    for _ in range(4):
        peer.send(TEXT, '"quiet"')
    assert await ws.receive_str() == '"QUIET"'
    assert await ws.receive_json() == "QUIET"
    async for message in ws:
        assert message.data == '"QUIET"'
        break
    assert (await ws.receive()).data == '"QUIET"'
    await ws.send_json({"a": "b"})
    assert (await peer.receive()).payload == b'{"A": "B"}'


@pytest.mark.only(wire=["plain"], api=["messages"])
async def test_a_subclasss_recv_is_what_iteration_calls(sides: Sides) -> None:
    base = (
        websockets.ServerConnection if sides.side.role == "server" else websockets.ClientConnection
    )

    class Shout(base):  # type: ignore[misc, valid-type]
        async def recv(self, *args: Any, **kwargs: Any) -> Any:
            return (await super().recv(*args, **kwargs)).upper()

    end, peer = await sides.open(extra={"messages": {"create_connection": Shout}})
    peer.send(TEXT, "quiet")
    async for message in end.raw:
        assert message == "QUIET"
        break
