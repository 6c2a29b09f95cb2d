"""The first generation's interface, in the same classes as the current one."""

from __future__ import annotations

import asyncio
import functools
import http
from typing import Any

import pytest

from aiohttp_ws import websockets
from aiohttp_ws.websockets import client, protocol, server
from aiohttp_ws.websockets.asyncio.connection import Connection

from .ends import stay, theirs, url_of

pytestmark = pytest.mark.peer("websockets")


async def echo_with_path(websocket: Any, path: str) -> None:
    await websocket.send(path)
    async for message in websocket:
        await websocket.send(message)


async def test_a_handler_may_take_the_path():
    async with (
        websockets.serve(echo_with_path, "127.0.0.1", 0) as serving,
        websockets.connect(url_of(serving, "/room?x=1")) as websocket,
    ):
        assert await websocket.recv() == "/room?x=1"


async def test_other_callables_may_take_the_path():
    class Handlers:
        async def method(self, websocket: Any, path: str) -> None:
            await websocket.send(path)

        async def optional(self, websocket: Any, path: str | None = None) -> None:
            await websocket.send(str(path))

        async def bound(self, websocket: Any, extra: str = "no path") -> None:
            await websocket.send(extra)

    async def partial(prefix: str, websocket: Any, path: str) -> None:
        await websocket.send(prefix + path)

    for handler, said in (
        (Handlers().method, "/p"),
        (Handlers().optional, "/p"),
        (Handlers().bound, "no path"),
        (functools.partial(partial, "at "), "at /p"),
    ):
        async with (
            websockets.serve(handler, "127.0.0.1", 0) as serving,
            theirs.connect(url_of(serving, "/p")) as websocket,
        ):
            assert await websocket.recv() == said


@pytest.mark.parametrize(
    ("keyword", "value", "new"),
    [
        ("timeout", 3, "close_timeout"),
        ("read_limit", 2**16, "max_queue"),
        ("loop", None, "running loop"),
        ("create_protocol", server.WebSocketServerProtocol, "create_connection"),
        ("extra_headers", {"X-Extra": "yes"}, "process_response"),
    ],
)
async def test_old_keywords_of_serve_warn_and_work(keyword: str, value: Any, new: str):
    with pytest.warns(DeprecationWarning, match=rf"^{keyword}= is deprecated.*{new}") as warned:
        serving = websockets.serve(stay, "127.0.0.1", 0, **{keyword: value})
    assert warned[0].filename == __file__
    async with serving, theirs.connect(url_of(serving)) as websocket:
        (connection,) = serving.connections
        if keyword == "timeout":
            assert connection.timeout == connection.close_timeout == 3
        if keyword == "extra_headers":
            assert websocket.response.headers["X-Extra"] == "yes"


async def test_ws_handler_is_the_old_name_of_handler():
    with pytest.warns(DeprecationWarning, match="ws_handler="):
        serving = websockets.serve(ws_handler=echo_with_path, host="127.0.0.1", port=0)
    async with serving, theirs.connect(url_of(serving)) as websocket:
        assert await websocket.recv() == "/"


@pytest.mark.parametrize(
    ("keyword", "value", "new"),
    [
        ("timeout", 3, "close_timeout"),
        ("read_limit", 2**16, "max_queue"),
        ("loop", None, "running loop"),
        ("create_protocol", client.WebSocketClientProtocol, "create_connection"),
        ("extra_headers", {"X-Extra": "yes"}, "additional_headers"),
    ],
)
async def test_old_keywords_of_connect_warn_and_work(keyword: str, value: Any, new: str):
    async with theirs.serve(stay, "127.0.0.1", 0) as serving:
        with pytest.warns(DeprecationWarning, match=rf"^{keyword}= is deprecated.*{new}") as warned:
            connecting = websockets.connect(url_of(serving), **{keyword: value})
        assert warned[0].filename == __file__
        async with connecting as websocket:
            (connection,) = serving.connections
            if keyword == "timeout":
                assert websocket.timeout == 3
            if keyword == "extra_headers":
                assert connection.request.headers["X-Extra"] == "yes"


@pytest.mark.parametrize(
    "extra",
    [
        {"X-Extra": "/path"},
        [("X-Extra", "/path")],
        lambda path, headers: {"X-Extra": path if headers["Host"] else ""},
    ],
)
@pytest.mark.filterwarnings("ignore:extra_headers")
async def test_extra_headers_come_in_each_form(extra: Any):
    async with (
        websockets.serve(stay, "127.0.0.1", 0, extra_headers=extra) as serving,
        theirs.connect(url_of(serving, "/path")) as websocket,
    ):
        assert websocket.response.headers["X-Extra"] == "/path"


# ------------------------------------------------------------------- overridden methods


class Choosy(server.WebSocketServerProtocol):
    """Overrides what the first generation's documentation tells to override."""

    def get_response_status(self, set_header: Any) -> http.HTTPStatus:
        set_header("X-Seen", f"{self.path} {self.origin} {self.request_headers['X-Ask']}")
        assert ("X-Ask", self.request_headers["X-Ask"]) in self.raw_request_headers
        if self.path == "/forbidden":
            return http.HTTPStatus.FORBIDDEN
        return http.HTTPStatus.SWITCHING_PROTOCOLS

    def select_subprotocol(self, client_protos: Any, server_protos: Any) -> Any:
        return client_protos[-1] if client_protos and server_protos else None


class ChoosyLater(Choosy):
    async def get_response_status(self, set_header: Any) -> http.HTTPStatus:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().get_response_status(set_header)


@pytest.mark.parametrize("kind", [Choosy, ChoosyLater])
async def test_get_response_status_and_select_subprotocol_can_be_overridden(kind: Any):
    asked = {"origin": "https://a.test", "additional_headers": {"X-Ask": "please"}}
    async with websockets.serve(
        stay, "127.0.0.1", 0, create_connection=kind, subprotocols=["x"]
    ) as serving:
        async with theirs.connect(
            url_of(serving, "/in"), subprotocols=["a", "b"], **asked
        ) as websocket:
            assert websocket.response.headers["X-Seen"] == "/in https://a.test please"
            assert websocket.subprotocol == "b"
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(serving, "/forbidden"), **asked)
        assert caught.value.response.status_code == 403
        assert caught.value.response.headers["X-Seen"] == "/forbidden https://a.test please"


async def test_an_overridden_status_may_stand_beside_process_request():
    def process(connection: Any, request: Any) -> Any:
        return connection.respond(200, "") if request.path == "/health" else None

    async with websockets.serve(
        stay, "127.0.0.1", 0, create_connection=Choosy, process_request=process
    ) as serving:
        for path, status in (("/health", "200"), ("/forbidden", "403")):
            with pytest.raises(theirs.InvalidStatus, match=status):
                await theirs.connect(url_of(serving, path), additional_headers={"X-Ask": "1"})


async def test_the_servers_handshake_can_be_overridden_in_both_generations():
    seen = []

    class Old(server.WebSocketServerProtocol):
        async def handshake(  # type: ignore[override]
            self, origins: Any = None, subprotocols: Any = None, extra_headers: Any = None
        ) -> Any:
            path = await super().handshake(
                origins=origins, subprotocols=subprotocols, extra_headers=extra_headers
            )
            seen.append((path, subprotocols))
            return path

    class New(websockets.ServerConnection):
        async def handshake(self, *args: Any, **kwargs: Any) -> Any:
            await super().handshake(*args, **kwargs)
            seen.append(self.request.path)

    for kind in (Old, New):
        async with (
            websockets.serve(
                stay, "127.0.0.1", 0, create_connection=kind, subprotocols=["a"]
            ) as serving,
            theirs.connect(url_of(serving, "/p"), subprotocols=["a"]) as websocket,
        ):
            assert websocket.subprotocol == "a"
    assert seen == [("/p", ["a"]), "/p"]


async def test_the_clients_handshake_can_be_overridden_in_both_generations():
    seen = []

    class Old(client.WebSocketClientProtocol):
        async def handshake(  # type: ignore[override]
            self,
            wsuri: Any,
            origin: Any = None,
            subprotocols: Any = None,
            extra_headers: Any = None,
        ) -> None:
            seen.append((wsuri.host, origin, subprotocols))
            await super().handshake(
                wsuri, origin=origin, subprotocols=subprotocols, extra_headers=extra_headers
            )

    class New(websockets.ClientConnection):
        async def handshake(self, *args: Any, **kwargs: Any) -> None:
            await super().handshake(*args, **kwargs)
            seen.append(self.response.status_code)

    async with theirs.serve(stay, "127.0.0.1", 0, subprotocols=["a"]) as serving:
        for kind in (Old, New):
            async with websockets.connect(
                url_of(serving),
                create_connection=kind,
                subprotocols=["a"],
                origin="o",
                additional_headers={"X-Extra": "yes"},
            ) as websocket:
                assert websocket.subprotocol == "a"
                (connection,) = serving.connections
                assert connection.request.headers["X-Extra"] == "yes"
                assert connection.request.headers["Origin"] == "o"
            await connection.wait_closed()
    assert seen == [("127.0.0.1", "o", ["a"]), 101]


# ------------------------------------------------------------------------ what it knows


async def test_attributes_of_the_first_generation():
    seen = []

    async def handler(connection: Any) -> None:
        seen.append((connection.open, connection.state_name, connection.secure, connection.host))
        assert connection.port == connection.local_address[1]
        assert connection.ws_server is connection.server
        await connection.wait_closed()

    async with websockets.serve(handler, "127.0.0.1", 0) as serving:
        websocket = await websockets.connect(url_of(serving))
        assert (websocket.open, websocket.closed, websocket.state_name) == (True, False, "OPEN")
        assert websocket.host == "127.0.0.1"
        assert websocket.port == websocket.remote_address[1]
        assert websocket.path == "/"
        assert websocket.response_headers["Upgrade"] == "websocket"
        assert ("Upgrade", "websocket") in websocket.raw_response_headers
        await websocket.close()
        assert (websocket.open, websocket.closed, websocket.state_name) == (False, True, "CLOSED")
    assert seen == [(True, "OPEN", False, "127.0.0.1")]


def test_the_modules_have_the_names_of_both_generations():
    assert server.WebSocketServer is websockets.Server
    assert server.WebSocketServerProtocol is websockets.ServerConnection
    assert client.WebSocketClientProtocol is websockets.ClientConnection
    assert protocol.WebSocketCommonProtocol is Connection
    assert server.serve is websockets.serve
    assert client.connect is websockets.connect
    assert issubclass(websockets.ServerConnection, protocol.WebSocketCommonProtocol)
    for name in ("WebSocketServer", "WebSocketServerProtocol", "WebSocketClientProtocol"):
        assert getattr(websockets, name)
