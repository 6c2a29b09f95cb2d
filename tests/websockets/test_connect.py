"""What connect() promises: opening handshakes, redirects, proxies, errors."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiohttp_ws import DeflateOptions
from aiohttp_ws.websockets import (
    ClientConnection,
    ConnectionClosedError,
    HeaderLineTooLong,
    Headers,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    ProxyError,
    SecurityError,
    TooManyHeaders,
    connect,
    http11,
)
from aiohttp_ws.websockets.asyncio import client as client_module
from aiohttp_ws.websockets.asyncio.reconnecting import system_proxy
from aiohttp_ws.websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from aiohttp_ws.wire.handshake import accept_key
from tests.net.proxies import HTTPProxy, SOCKS5Proxy

from .ends import ours, theirs, url_of
from .reference import as_websockets_17


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


@contextlib.asynccontextmanager
async def their_server(handler: Any = echo, **kwargs: Any) -> AsyncIterator[Any]:
    async with theirs.serve(handler, "127.0.0.1", 0, **kwargs) as server:
        yield server


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A URL whose server answers every request with *answer* and closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


# ------------------------------------------------------------- opening handshakes


async def test_the_request_says_what_it_was_told_to():
    async with (
        their_server(subprotocols=["b"], origins=["https://a.test"]) as server,
        connect(
            url_of(server, "/caf%C3%A9?a=b").replace("//", "//user:p%40ss@"),
            origin="https://a.test",
            subprotocols=["a", "b"],
            additional_headers={"X-Extra": "yes"},
            user_agent_header="mine",
        ) as client,
    ):
        assert client.subprotocol == "b"
        (connection,) = server.connections
        headers = connection.request.headers
        assert connection.request.path == "/caf%C3%A9?a=b"
        assert headers["X-Extra"] == "yes"
        assert headers["User-Agent"] == "mine"
        assert headers["Authorization"] == "Basic dXNlcjpwQHNz"
        assert headers["Host"] == url_of(server)[5:-1]
        assert client.request.headers["X-Extra"] == "yes"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1"},
        [("X-A", "1"), ("Host", "other.test"), ("User-Agent", "x")],
        Headers([("X-A", "1")]),
        theirs.Headers([("X-A", "1")]),
    ],
)
async def test_additional_headers_come_in_any_form(headers: Any):
    async with their_server() as server, connect(url_of(server), additional_headers=headers):
        (connection,) = server.connections
        assert connection.request.headers["X-A"] == "1"
        if isinstance(headers, list):
            assert connection.request.headers.get_all("Host") == ["other.test"]
            assert connection.request.headers.get_all("User-Agent") == ["x"]


async def test_user_agent_none_sends_none():
    async with their_server() as server, connect(url_of(server), user_agent_header=None):
        (connection,) = server.connections
        assert "User-Agent" not in connection.request.headers


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"compression": DeflateOptions(client_no_context_takeover=True)},
        {"extensions": [ClientPerMessageDeflateFactory(client_max_window_bits=9)]},
    ],
)
async def test_compression_is_offered_in_each_form(kwargs: Any):
    async with their_server() as server, connect(url_of(server), **kwargs) as client:
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        for _ in range(3):
            await client.send("again and again " * 50)
            assert await client.recv() == "again and again " * 50


async def test_compression_none_offers_nothing():
    async with their_server() as server, connect(url_of(server), compression=None) as client:
        assert "Sec-WebSocket-Extensions" not in client.request.headers


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nwhat", InvalidStatus, "HTTP 404"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", InvalidStatus, "HTTP 200"),
        (b"nonsense\r\n\r\n", InvalidMessage, "did not receive a valid HTTP response"),
        (b"", InvalidMessage, "did not receive a valid HTTP response"),
        (SWITCH + b"\r\n", InvalidUpgrade, "missing Upgrade header"),
        (SWITCH + b"Upgrade: h2c\r\n\r\n", InvalidUpgrade, "invalid Upgrade header: h2c"),
        (SWITCH + b"Upgrade: websocket\r\n\r\n", InvalidUpgrade, "missing Connection header"),
        (SWITCH + UPGRADE + b"\r\n", InvalidHeader, "missing Sec-WebSocket-Accept header"),
        (
            SWITCH + UPGRADE + b"Sec-WebSocket-Accept: x\r\n\r\n",
            InvalidHeaderValue,
            "invalid Sec-WebSocket-Accept header: x",
        ),
    ],
)
async def test_a_response_that_does_not_open_the_connection_raises(
    answer: bytes, error: type[Exception], text: str
):
    async with answering(answer) as url:
        with pytest.raises(error, match=text) as caught:
            await connect(url)
    assert type(caught.value) is error


async def test_a_refusal_carries_its_response():
    answer = b"HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 3\r\n\r\nno!"
    async with answering(answer) as url:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url)
    response = caught.value.response
    assert (response.status_code, response.reason_phrase) == (403, "Forbidden")
    assert (response.headers["X-Why"], response.body) == ("because", b"no!")


async def test_a_subprotocol_that_was_not_offered_raises():
    def choose(connection: Any, request: Any, response: Any) -> None:
        response.headers["Sec-WebSocket-Protocol"] = "other"

    async with their_server(process_response=choose) as server:
        with pytest.raises(NegotiationError, match="other"):
            await connect(url_of(server), subprotocols=["a"])


@pytest.mark.parametrize("uri", ["http://a.test", "ws://", "ws://a.test/#f", "ws://a.test:0/"])
async def test_a_uri_that_is_none_raises(uri: str):
    with pytest.raises(InvalidURI):
        await connect(uri)


@pytest.mark.parametrize(
    ("uri", "kwargs", "error"),
    [
        ("ws://a.test", {"compression": "gzip"}, ValueError),
        ("ws://a.test", {"subprotocols": "a"}, TypeError),
        ("ws://a.test", {"extensions": [object()]}, TypeError),
        ("ws://a.test", {"ssl": ssl.create_default_context()}, ValueError),
        ("wss://a.test", {"ssl": None}, ValueError),
        ("ws://a.test", {"proxy": "gopher://b.test"}, InvalidProxy),
    ],
)
async def test_settings_that_contradict_each_other_are_refused(
    uri: str, kwargs: Any, error: type[Exception]
):
    with pytest.raises(error):
        await connect(uri, **kwargs)


async def test_open_timeout_is_over_everything():
    reached, ended = asyncio.Event(), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seconds = 0.01
    while not reached.is_set():  # on a busy machine the time is over before there is a connection
        with pytest.raises(asyncio.TimeoutError, match="timed out during opening handshake"):
            await connect(f"ws://127.0.0.1:{port}", open_timeout=seconds)
        seconds *= 2
    await ended.wait()  # and no connection is left
    server.close()


async def test_a_port_where_nothing_listens_is_an_os_error():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="onnect"):
            await connect(f"ws://127.0.0.1:{sock.getsockname()[1]}")


async def test_create_connection_makes_the_connection():
    class Mine(ClientConnection):
        pass

    async with their_server() as server, connect(url_of(server), create_connection=Mine) as client:
        assert type(client) is Mine


async def test_a_socket_may_be_given():
    async with their_server() as server:
        sock = socket.create_connection(("127.0.0.1", next(iter(server.sockets)).getsockname()[1]))
        async with connect("ws://far.test/", sock=sock) as client:
            await client.send("near")
            assert await client.recv() == "near"
            assert client.request.headers["Host"] == "far.test"


async def test_host_and_port_say_where_to_connect_and_not_whom_to_ask_for():
    async with their_server() as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect("ws://far.test:8000/", host="127.0.0.1", port=port) as client:
            assert client.request.headers["Host"] == "far.test:8000"


# ---------------------------------------------------------------------- redirects


def redirecting(location: str, status: int = 302) -> Any:
    def process(connection: Any, request: Any) -> Any:
        if request.path.startswith("/old"):
            response = connection.respond(status, "")
            response.headers["Location"] = location
            return response
        return None

    return process


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int):
    async with (
        their_server(process_request=redirecting("/new?x=1", status)) as server,
        connect(url_of(server, "/old"), additional_headers={"Authorization": "mine"}) as client,
    ):
        assert client.request.path == "/new?x=1"
        assert client.request.headers["Authorization"] == "mine"


async def test_credentials_do_not_go_to_another_host():
    async with (
        their_server() as target,
        their_server(process_request=redirecting(url_of(target))) as server,
        connect(
            url_of(server, "/old"),
            additional_headers={"Authorization": "mine", "Cookie": "mine", "X-Mine": "yes"},
        ) as client,
    ):
        assert "Authorization" not in client.request.headers
        assert "Cookie" not in client.request.headers
        assert client.request.headers["X-Mine"] == "yes"
        assert client.request.headers["Host"] == url_of(target)[5:-1]


async def test_redirects_end_somewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_module, "MAX_REDIRECTS", 3)
    async with their_server(process_request=redirecting("/old")) as server:
        with pytest.raises(SecurityError, match="more than 3 redirects"):
            await connect(url_of(server, "/old"))


async def test_a_redirect_without_a_location_and_one_to_elsewhere_raise():
    async with answering(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n") as url:
        with pytest.raises(InvalidStatus):
            await connect(url)
    for location in (b"ftp://a.test/", b"ws://a.test/#f"):
        answer = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location
        async with answering(answer) as url:
            with pytest.raises(InvalidURI):
                await connect(url)


async def test_process_redirect_refuses_to_give_up_tls():
    attempt = connect("wss://a.test/")
    response = theirs.Response(302, "Found", Headers({"Location": "ws://a.test/"}))
    assert isinstance(attempt.process_redirect(InvalidStatus(response)), SecurityError)
    other = ValueError()
    assert attempt.process_redirect(other) is other


async def test_a_redirect_cannot_follow_a_given_host():
    async with their_server(process_request=redirecting("ws://other.test/")) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(ValueError, match="cross-origin"):
            await connect("ws://far.test/old", host="127.0.0.1", port=port)


# ------------------------------------------------------------------------ proxies


@pytest.mark.parametrize("kind", [HTTPProxy, SOCKS5Proxy])
async def test_a_proxy_may_be_named(kind: Any):
    async with their_server() as server, kind(("user", "word")) as proxy:
        # That proxy does not hand on that the server has ended.
        async with connect(url_of(server), proxy=proxy.with_login, close_timeout=0.1) as client:
            await client.send("through")
            assert await client.recv() == "through"
        assert len(proxy.asked) == 1


async def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch):
    async with their_server() as server, HTTPProxy() as proxy:
        monkeypatch.setenv("ws_proxy", proxy.url)
        async with connect(url_of(server), close_timeout=0.1):
            pass
        assert len(proxy.asked) == 1
        async with connect(url_of(server), proxy=None):
            pass
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with connect(url_of(server)):
            pass
        assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    ("environment", "uri", "proxy"),
    [
        ({}, "ws://a.test/", None),
        ({"https_proxy": "http://p:1"}, "wss://a.test/", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "wss://a.test/", None),
        ({"http_proxy": "http://p:1"}, "ws://a.test/", "http://p:1"),
        ({"wss_proxy": "http://p:1", "socks_proxy": "x"}, "wss://a.test/", "http://p:1"),
        ({"socks_proxy": "http://p:1"}, "ws://a.test/", "socks5h://p:1"),
        ({"https_proxy": "http://p:1", "no_proxy": "a.test"}, "wss://a.test/", None),
    ],
)
def test_which_variable_counts(
    environment: dict[str, str], uri: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
):
    for scheme in ("ws", "wss", "socks", "http", "https", "no", "all"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme.upper()}_PROXY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert system_proxy(client_module.parsed(uri)) == proxy


async def test_a_proxy_that_refuses_raises():
    async with HTTPProxy(("user", "word")) as proxy:
        with pytest.raises(InvalidProxyStatus) as caught:
            await connect("ws://127.0.0.1:1/", proxy=proxy.url)
        assert caught.value.response.status_code == 407
    async with SOCKS5Proxy(("user", "word")) as proxy:
        with pytest.raises(ProxyError):
            await connect("ws://127.0.0.1:1/", proxy=proxy.url)


async def test_a_server_that_agrees_and_is_gone_at_once():
    """The loop may tell of the end before the task has seen the answer."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    loop = asyncio.get_running_loop()

    async def agree_and_reset() -> None:
        peer, _ = await loop.sock_accept(sock)
        request = (await loop.sock_recv(peer, 65536)).decode()
        key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        answer = SWITCH + UPGRADE + f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
        await loop.sock_sendall(peer, answer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    for _ in range(20):
        agreeing = asyncio.ensure_future(agree_and_reset())
        with pytest.raises((ConnectionClosedError, OSError)):
            await (await connect(f"ws://127.0.0.1:{sock.getsockname()[1]}")).recv()
        await agreeing
    sock.close()


async def test_a_connection_that_was_lost_before_it_began_is_closed():
    async with their_server() as server:

        class Lost(ClientConnection):
            def _open(self, *args: Any) -> None:
                # As when connection_lost() comes between the answer and the task's next step.
                self._lost_before_it_began(ConnectionResetError())
                super()._open(*args)

        client = await connect(url_of(server), create_connection=Lost)
        with pytest.raises(ConnectionClosedError):
            await client.recv()
        with pytest.raises(ConnectionClosedError):
            await client.send("too late")
        assert client.close_code == 1006
        await client.close()
        client.transport.abort()


@as_websockets_17
@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (b"X: " + b"x" * 9000 + b"\r\n", HeaderLineTooLong),
        (b"X: x\r\n" * 129, TooManyHeaders),
    ],
)
async def test_a_response_beyond_a_limit_says_which(lines: bytes, cause: type[Exception]):
    opened = b"HTTP/1.1 101 Switching Protocols\r\n"
    async with answering(opened + lines + b"\r\n") as url:
        with pytest.raises(InvalidMessage, match="did not receive") as caught:
            await connect(url)
        assert isinstance(caught.value.__cause__, cause)
        with pytest.raises(theirs.InvalidMessage) as expected:
            await theirs.connect(url)
        assert type(expected.value.__cause__).__name__ == cause.__name__
    async with answering(b"HTTP/1.1 101 " + b"x" * 9000) as url:
        for library in (ours, theirs):
            with pytest.raises(library.StatusLineTooLong):
                await library.connect(url)


async def test_the_limits_of_http11_are_those_of_a_response(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(http11.LIMITS, "max_field_size", 100)
    async with answering(b"HTTP/1.1 101 x\r\nX: " + b"x" * 100 + b"\r\n\r\n") as url:
        with pytest.raises(InvalidMessage) as caught:
            await connect(url)
        assert isinstance(caught.value.__cause__, HeaderLineTooLong)
