"""What serve() promises: opening handshakes, handlers, the end of a server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http
import logging
import re
import ssl
import sys
import weakref
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import aiohttp_ws
from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets import (
    ConnectionClosed,
    ConnectionClosedOK,
    Headers,
    InvalidStatus,
    NegotiationError,
    Request,
    Response,
    Server,
    ServerConnection,
    basic_auth,
    broadcast,
    connect,
    serve,
    unix_connect,
    unix_serve,
)
from aiohttp_ws.websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from .ends import rounds, stay, theirs, url_of

UPGRADE = (
    "GET /path?query HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def answer_to(server: Any, request: str) -> str:
    """What *server* answers to a request that it refuses."""
    reader, writer = await asyncio.open_connection(*url_of(server)[5:-1].split(":"))
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


@contextlib.asynccontextmanager
async def serving(handler: Any = echo, **kwargs: Any) -> AsyncIterator[Server]:
    async with serve(handler, "127.0.0.1", 0, **kwargs) as server:
        yield server


# ------------------------------------------------------------- opening handshakes


@pytest.mark.parametrize(
    ("origins", "origin", "accepted"),
    [
        (None, None, True),
        (None, "https://a.test", True),
        (["https://a.test"], "https://a.test", True),
        (["https://a.test"], "https://b.test", False),
        (["https://a.test"], None, False),
        (["https://a.test", None], None, True),
        ([re.compile(r"https://.*\.test")], "https://a.test", True),
        ([re.compile(r"https://.*\.test")], "https://a.test.evil", False),
    ],
)
async def test_origins_say_whose_pages_may_connect(origins: Any, origin: Any, accepted: bool):
    async with serving(origins=origins) as server:
        if accepted:
            async with theirs.connect(url_of(server), origin=origin):
                return
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), origin=origin)
        assert caught.value.response.status_code == 403


async def test_subprotocols_are_chosen_in_the_servers_order():
    async with (
        serving(subprotocols=["a", "b"]) as server,
        theirs.connect(url_of(server), subprotocols=["b", "a"]) as client,
    ):
        assert client.subprotocol == "a"


@pytest.mark.parametrize("offered", [None, ["c"]])
async def test_a_client_without_a_common_subprotocol_is_refused(offered: Any):
    async with serving(subprotocols=["a", "b"]) as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), subprotocols=offered)
        assert caught.value.response.status_code == 400
        assert b"subprotocol" in caught.value.response.body


async def test_select_subprotocol_decides():
    def select(connection: ServerConnection, offered: list[str]) -> str | None:
        if "refuse" in offered:
            raise NegotiationError("not today")
        return offered[-1] if offered else None

    async with serving(subprotocols=["x"], select_subprotocol=select) as server:
        async with theirs.connect(url_of(server), subprotocols=["a", "b"]) as client:
            assert client.subprotocol == "b"
        async with theirs.connect(url_of(server)) as client:
            assert client.subprotocol is None
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), subprotocols=["refuse"])
        assert caught.value.response.status_code == 400
        assert b"not today" in caught.value.response.body


async def test_a_subprotocol_not_on_offer_is_the_servers_bug(caplog: pytest.LogCaptureFixture):
    async with serving(select_subprotocol=lambda connection, offered: "other") as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server), subprotocols=["a"])
    assert caught.value.response.status_code == 500
    assert "'other' was selected" in caplog.text


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_process_request_can_answer(asynchronous: bool):
    def decide(connection: ServerConnection, request: Request) -> Response | None:
        assert request is connection.request
        assert request.headers["Host"] == "localhost" or request.path == "/"
        if request.path == "/path?query":
            response = connection.respond(http.HTTPStatus.OK, "healthy\n")
            response.headers["X-Health"] = "good"
            return response
        return None

    async def decide_later(connection: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(0)
        return decide(connection, request)

    async with serving(process_request=decide_later if asynchronous else decide) as server:
        answer = await answer_to(server, "GET /path?query HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith("HTTP/1.1 200 OK\r\n")
        assert "X-Health: good\r\n" in answer
        assert "Content-Length: 8\r\n" in answer
        assert answer.endswith("\r\n\r\nhealthy\n")
        async with theirs.connect(url_of(server)) as client:
            await client.send("through")
            assert await client.recv() == "through"


@pytest.mark.parametrize("hook", ["process_request", "process_response"])
async def test_an_exception_in_a_hook_answers_500(hook: str, caplog: pytest.LogCaptureFixture):
    def broken(*args: Any) -> None:
        raise KeyError("ours alone")

    async with serving(**{hook: broken}) as server:
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server))
    assert caught.value.response.status_code == 500
    assert b"ours alone" not in caught.value.response.body
    assert f"{hook} failed" in caplog.text
    assert "ours alone" in caplog.text


async def test_process_response_may_change_the_response_or_replace_it():
    async def change(connection: ServerConnection, request: Request, response: Response) -> Any:
        if request.path == "/no":
            return Response(418, "I'm a Teapot", Headers({"Connection": "close"}), b"tea")
        response.headers["X-Added"] = "yes"
        return None

    async with serving(process_response=change) as server:
        async with theirs.connect(url_of(server)) as client:
            assert client.response.headers["X-Added"] == "yes"
        with pytest.raises(theirs.InvalidStatus) as caught:
            await theirs.connect(url_of(server, "/no"))
        assert caught.value.response.status_code == 418
        assert caught.value.response.body == b"tea"


async def test_a_hook_cannot_split_the_response(caplog: pytest.LogCaptureFixture):
    def split(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(200, "")
        response.headers.set_insecure("X-Split", "a\r\nX-Injected: b")
        return response

    async with serving(process_request=split) as server:
        answer = await answer_to(server, UPGRADE + "\r\n")
    assert answer.startswith("HTTP/1.1 500 ")
    assert "Injected" not in answer


async def test_the_server_header_can_be_changed_and_left_out():
    async with serving() as server, theirs.connect(url_of(server)) as client:
        assert "aiohttp_ws/" in client.response.headers["Server"]
    async with (
        serving(server_header="mine") as server,
        theirs.connect(url_of(server)) as client,
    ):
        assert client.response.headers["Server"] == "mine"
        assert (await answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")).count("Server: mine")
    async with serving(server_header=None) as server, theirs.connect(url_of(server)) as client:
        assert "Server" not in client.response.headers


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
        (UPGRADE.replace("13", "12") + "\r\n", 426),
        (UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short") + "\r\n", 400),
        ("nonsense\r\n\r\n", 400),
    ],
)
async def test_what_is_no_opening_handshake_is_refused(request_text: str, status: int):
    async with serving() as server:
        answer = await answer_to(server, request_text)
    assert answer.startswith(f"HTTP/1.1 {status} ")


async def test_a_client_that_says_nothing_is_refused_after_open_timeout():
    async with serving(open_timeout=0.01) as server:
        assert (await answer_to(server, "GET /")).startswith("HTTP/1.1 408 ")


async def test_open_timeout_holds_for_process_request_too():
    async def never(connection: ServerConnection, request: Request) -> None:
        await asyncio.Event().wait()

    async with serving(open_timeout=0.01, process_request=never) as server:
        assert (await answer_to(server, UPGRADE + "\r\n")).startswith("HTTP/1.1 408 ")


async def test_messages_right_behind_the_request_arrive():
    received = []

    async def handler(connection: ServerConnection) -> None:
        received.append(await connection.recv())

    async with serving(handler) as server:
        masked = b"\x81\x82\0\0\0\0hi"
        reader, writer = await asyncio.open_connection(*url_of(server)[5:-1].split(":"))
        writer.write(UPGRADE.encode() + b"\r\n" + masked)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await reader.readexactly(4) == b"\x88\x02\x03\xe8"
        writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert received == ["hi"]


# ------------------------------------------------------------------- compression


@pytest.mark.parametrize(
    "kwargs",
    [
        {"compression": "deflate"},
        {"compression": DeflateOptions(server_no_context_takeover=True)},
        {"extensions": [ServerPerMessageDeflateFactory(server_max_window_bits=9)]},
        {"extensions": [DeflateOptions()], "compression": None},
    ],
)
async def test_compression_is_agreed_on_in_each_form(kwargs: Any):
    async with serving(**kwargs) as server, theirs.connect(url_of(server)) as client:
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        for _ in range(3):
            await client.send("again and again " * 50)
            assert await client.recv() == "again and again " * 50


async def test_compression_none_declines():
    async with (
        serving(compression=None) as server,
        theirs.connect(url_of(server)) as client,
    ):
        assert "Sec-WebSocket-Extensions" not in client.response.headers


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"compression": "gzip"}, ValueError),
        ({"extensions": [object()]}, TypeError),
        ({"subprotocols": "a"}, TypeError),
        ({"max_queue": (1, 2)}, ValueError),
        ({"max_size": -1}, ValueError),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_at_once(kwargs: Any, error: type[Exception]):
    with pytest.raises(error):
        serve(echo, "127.0.0.1", 0, **kwargs)


# -------------------------------------------------------------------- basic_auth


async def check_later(name: str, password: str) -> bool:
    await asyncio.sleep(0)
    return (name, password) == ("user", "pass:word")


@pytest.mark.parametrize(
    "credentials",
    [
        {"credentials": ("user", "pass:word")},
        {"credentials": [("other", "x"), ("user", "pass:word")]},
        {"check_credentials": lambda name, password: (name, password) == ("user", "pass:word")},
        {"check_credentials": check_later},
    ],
)
async def test_basic_auth_lets_in_who_knows_the_password(credentials: Any):
    names = []

    async def handler(connection: ServerConnection) -> None:
        names.append(connection.username)

    async with serving(handler, process_request=basic_auth("my realm", **credentials)) as server:
        known = {"Authorization": f"Basic {b64encode(b'user:pass:word').decode()}"}
        async with theirs.connect(url_of(server), additional_headers=known) as client:
            await client.wait_closed()
        for login in ("", "user:wrong@", "unknown:@"):
            with pytest.raises(theirs.InvalidStatus) as caught:
                await theirs.connect(url_of(server).replace("//", f"//{login}"))
            response = caught.value.response
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == 'Basic realm="my realm", charset="UTF-8"'
    assert names == ["user"]


def test_basic_auth_wants_one_way_to_check():
    with pytest.raises(ValueError, match="either"):
        basic_auth("x")
    with pytest.raises(ValueError, match="either"):
        basic_auth("x", ("a", "b"), lambda name, password: True)
    for wrong in (5, ("a", 5), ["a"]):
        with pytest.raises(TypeError):
            basic_auth("x", wrong)  # type: ignore[arg-type]


# ----------------------------------------------------------------------- handlers


async def test_a_handler_that_returns_closes_with_1000():
    async def handler(connection: ServerConnection) -> None:
        pass

    async with serving(handler) as server, theirs.connect(url_of(server)) as client:
        await client.wait_closed()
        assert client.close_code == 1000


async def test_a_handler_that_raises_closes_with_1011_and_is_logged(
    caplog: pytest.LogCaptureFixture,
):
    async def handler(connection: ServerConnection) -> None:
        raise RuntimeError("ours alone")

    async with serving(handler) as server, theirs.connect(url_of(server)) as client:
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1011, "")
    assert "connection handler failed" in caplog.text
    assert "ours alone" in caplog.text


async def test_connections_open_and_close_in_the_log(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    async with serving() as server:
        async with theirs.connect(url_of(server)):
            pass
        await answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    said = [r.message for r in caplog.records if r.name == "aiohttp_ws.websockets.server"]
    assert re.fullmatch(r"server listening on 127\.0\.0\.1:\d+", said[0])
    assert said[1:4] == ["connection open", "connection closed", said[3]]
    assert said[3] == "connection rejected (426 Upgrade Required)"
    assert sorted(said[4:]) == ["connection closed", "server closed", "server closing"]


async def test_create_connection_makes_the_connections():
    class Mine(ServerConnection):
        made = lost = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            Mine.made = self

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            Mine.lost = self

    async def handler(connection: ServerConnection) -> None:
        assert isinstance(connection, Mine)

    async with (
        serving(handler, create_connection=Mine) as server,
        theirs.connect(url_of(server)) as client,
    ):
        await client.wait_closed()
        assert client.close_code == 1000
    assert Mine.made is Mine.lost is not None


async def test_the_root_has_serve_and_connect():
    async with (
        aiohttp_ws.serve(echo, "127.0.0.1", 0) as server,
        aiohttp_ws.connect(url_of(server)) as client,
    ):
        await client.send("hello")
        assert await client.recv() == "hello"


# --------------------------------------------------------------- the end of a server


async def test_closing_a_server_closes_connections_with_1001():
    ended = []

    async def handler(connection: ServerConnection) -> None:
        with pytest.raises(ConnectionClosedOK):
            await connection.recv()
        ended.append(connection)

    server = await serve(handler, "127.0.0.1", 0)
    async with theirs.connect(url_of(server)) as client:
        assert len(server.connections) == 1
        assert server.is_serving()
        server.close()
        server.close()
        await server.wait_closed()
        assert len(ended) == 1
        assert not server.connections
        assert not server.is_serving()
        await client.wait_closed()
        assert client.close_code == 1001


async def test_a_server_may_close_with_another_code():
    server = await serve(stay, "127.0.0.1", 0)
    async with theirs.connect(url_of(server)) as client:
        server.close(code=1012, reason="upgrade")
        await server.wait_closed()
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1012, "upgrade")


async def test_a_server_may_leave_its_connections_open():
    server = await serve(echo, "127.0.0.1", 0)
    async with theirs.connect(url_of(server)) as client:
        server.close(close_connections=False)
        closed = asyncio.ensure_future(server.wait_closed())
        await client.send("still there")
        assert await client.recv() == "still there"
        assert not closed.done()
    await closed


async def opened(url: str) -> Any:
    return await theirs.connect(url)


async def test_a_client_in_its_opening_handshake_is_answered_503():
    deciding, go_on = asyncio.Event(), asyncio.Event()

    async def decide(connection: ServerConnection, request: Request) -> None:
        deciding.set()
        await go_on.wait()

    server = await serve(echo, "127.0.0.1", 0, process_request=decide)
    connecting = asyncio.ensure_future(opened(url_of(server)))
    await deciding.wait()
    server.close()
    go_on.set()
    with pytest.raises(theirs.InvalidStatus) as caught:
        await connecting
    assert caught.value.response.status_code == 503
    await server.wait_closed()


async def test_serve_forever_ends_when_it_is_cancelled_and_when_the_server_is_closed():
    server = await serve(stay, "127.0.0.1", 0)
    forever = asyncio.ensure_future(server.serve_forever())
    async with theirs.connect(url_of(server)) as client:
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        await client.wait_closed()
        assert client.close_code == 1001
    server = await serve(stay, "127.0.0.1", 0)
    forever = asyncio.ensure_future(server.serve_forever())
    await rounds()
    server.close()
    assert await forever is None


async def test_start_serving_can_wait():
    async with serving(start_serving=False) as server:
        assert not server.is_serving()
        await server.start_serving()
        assert server.is_serving()
        assert server.get_loop() is asyncio.get_running_loop()
        async with theirs.connect(url_of(server)):
            pass
    assert tuple(server.sockets) == ()


async def test_a_server_that_was_not_started_can_be_closed():
    server = serve(echo, "127.0.0.1", 0)
    server.close()
    await server.wait_closed()


# --------------------------------------------------------------------------- ways


async def test_unix_sockets(tmp_path: Path):
    path = tmp_path / "socket"
    async with unix_serve(echo, path):
        async with unix_connect(path) as client:
            await client.send("local")
            assert await client.recv() == "local"
            assert client.request.headers["Host"] == "localhost"
        async with theirs.unix_connect(str(path)) as client:
            await client.send("local")
            assert await client.recv() == "local"
    with pytest.raises(ValueError, match="path"):
        unix_serve(echo)


@pytest.mark.peer("trustme")
@pytest.mark.parametrize("use_aiofastnet", [None, False])
async def test_tls(use_aiofastnet: bool | None):
    authority = trustme.CA()
    at_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(at_server)
    at_client = ssl.create_default_context()
    authority.configure_trust(at_client)
    async with serving(ssl=at_server, use_aiofastnet=use_aiofastnet) as server:
        libraries = [connect]
        if sys.version_info >= (3, 11):
            libraries.append(theirs.connect)  # on 3.10 it leaves a transport unclosed
        for library in libraries:
            async with library(url_of(server, scheme="wss"), ssl=at_client) as client:
                await client.send("secret" * 10000)
                assert await client.recv() == "secret" * 10000
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(url_of(server, scheme="wss"))


# ---------------------------------------------------------------------- broadcast


@pytest.mark.parametrize("everybody", [broadcast, aiohttp_ws.broadcast])
async def test_broadcast_reaches_all_that_are_open(everybody: Any):
    async with serving(stay) as server:
        clients = [await theirs.connect(url_of(server)) for _ in range(3)]
        connections = list(server.connections)
        await connections[0].close()
        everybody(connections, "news")
        got = await asyncio.gather(*(c.recv() for c in clients), return_exceptions=True)
        assert [each for each in got if isinstance(each, str)] == ["news", "news"]
        for client in clients:
            await client.close()


async def test_broadcast_chooses_the_type_as_send_does():
    async with serving(stay) as server, theirs.connect(url_of(server)) as client:
        await rounds()
        broadcast(server.connections, b"caf\xc3\xa9", text=True)
        broadcast(server.connections, "café", text=False)
        broadcast(server.connections, b"binary")
        assert [await client.recv() for _ in range(3)] == ["café", "café".encode(), b"binary"]
        for wrong in (["a"], 5):
            with pytest.raises(TypeError):
                broadcast(server.connections, wrong)  # type: ignore[arg-type]


async def test_broadcast_skips_who_is_in_the_middle_of_a_message(
    caplog: pytest.LogCaptureFixture,
):
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "a"
        begun.set()
        await go_on.wait()
        yield "b"

    async def handler(connection: ServerConnection) -> None:
        await connection.send(pieces())
        await connection.wait_closed()

    async with serving(handler) as server, theirs.connect(url_of(server)) as client:
        await begun.wait()
        broadcast(server.connections, "skipped")
        assert "skipped broadcast" in caplog.text
        with pytest.raises(Exception, match=r"skipped broadcast|needs Python 3\.11"):
            broadcast(server.connections, "skipped", raise_exceptions=True)
        go_on.set()
        assert await client.recv() == "ab"


async def test_errors_of_our_own_client_name_the_status():
    async with serving(process_request=lambda c, r: c.respond(403, "no")) as server:
        with pytest.raises(InvalidStatus, match="403") as caught:
            await connect(url_of(server))
        assert caught.value.response.body == b"no"


async def test_connections_leave_nothing_behind():
    kept: list[weakref.ref[Any]] = []

    async def handler(connection: ServerConnection) -> None:
        kept.append(weakref.ref(connection))
        with contextlib.suppress(ConnectionClosed):  # the log would keep it
            await echo(connection)

    async with serving(handler) as server:
        gc.disable()
        try:
            for end in ("close", "abort"):
                client = await connect(url_of(server))
                kept.append(weakref.ref(client))
                await client.send("hello")
                await client.recv()
                if end == "close":
                    await client.close()
                else:
                    client.transport.abort()
                    await client.wait_closed()
                del client
                await answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        finally:
            gc.enable()
    await rounds()
    assert [each() for each in kept] == [None] * 4
    assert not server.handlers
    assert not server._openings


async def test_a_client_that_leaves_at_once_leaves_nothing_behind():
    lost = asyncio.Event()

    class Mine(ServerConnection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async def decide(connection: ServerConnection, request: Request) -> None:
        await asyncio.Event().wait()

    async with serving(process_request=decide, create_connection=Mine) as server:
        _, writer = await asyncio.open_connection(*url_of(server)[5:-1].split(":"))
        writer.write(UPGRADE.encode() + b"\r\n")
        writer.close()
        await writer.wait_closed()
        await lost.wait()
        await rounds()
        assert not server.handlers
        assert not server._openings
