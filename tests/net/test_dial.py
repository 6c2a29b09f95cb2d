"""Connections that are dialled: direct, over TLS, by sockets given; and their loss."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiohttp_ws.errors import WSInvalidURL
from aiohttp_ws.net.dial import connect_socket, open_transport
from aiohttp_ws.net.dial_error import DialError, DialFault
from aiohttp_ws.net.http_tunnel import PendingConnection
from aiohttp_ws.wire.url import WSParsedURL, parse_url

from .proxies import HTTPProxy, Listener, Silent, SOCKS5Proxy
from .talking import Talk, dial, talk_to


async def test_a_connection_carries_bytes_both_ways(echo: Listener):
    assert await talk_to(f"ws://127.0.0.1:{echo.port}/") == b"hello"


async def test_a_connection_does_not_wait_to_fill_its_packets(echo: Listener):
    async with dial(f"ws://127.0.0.1:{echo.port}/") as talk:
        sock = talk.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_tls_is_verified_against_the_host_of_the_url(secure_echo: Listener, trusting):
    url = f"wss://localhost:{secure_echo.port}/"
    async with dial(url, ssl_context=trusting) as talk:
        assert await talk.ask(b"hello") == b"hello"
        assert talk.transport.get_extra_info("ssl_object") is not None
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed|unable to get"):
        await talk_to(url)


async def test_the_name_that_tls_verifies_can_be_given(secure_echo: Listener, trusting):
    url = f"wss://127.0.0.1:{secure_echo.port}/"
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        await talk_to(url, ssl_context=trusting)
    answer = await talk_to(url, ssl_context=trusting, server_hostname="localhost")
    assert answer == b"hello"


async def test_a_server_without_tls_is_a_tls_error(echo: Listener, trusting):
    with pytest.raises(ssl.SSLError):
        await talk_to(f"wss://localhost:{echo.port}/", ssl_context=trusting)


async def test_a_closed_port_is_an_os_error(unused_port: int):
    with pytest.raises(ConnectionRefusedError):
        await talk_to(f"ws://127.0.0.1:{unused_port}/")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets")
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_unix_socket_can_take_the_place_of_host_and_port(
    scheme: str, tmp_path: Path, trusting, serving
):
    listener = Listener()
    path = str(tmp_path / "socket")
    context = serving if scheme == "wss" else None
    server = await asyncio.start_unix_server(listener.serve, path, ssl=context)
    try:
        assert await talk_to(f"{scheme}://localhost/", path=path, ssl_context=trusting) == b"hello"
    finally:
        server.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
@pytest.mark.parametrize("proxy", [None, HTTPProxy, SOCKS5Proxy])
async def test_the_address_to_connect_from_can_be_given(echo: Listener, proxy):
    async with proxy() if proxy else contextlib.nullcontext(echo) as met:
        url = met.url if proxy else None
        here = ("127.0.0.2", 0)
        await talk_to(f"ws://127.0.0.1:{echo.port}/", proxy=url, local_addr=here)
        assert [host for host, _ in met.peers] == ["127.0.0.2"]


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


async def test_a_connected_socket_can_be_given(echo: Listener):
    sock = connected(echo.port)
    here = sock.getsockname()
    await talk_to("ws://server.test/", sock=sock)
    assert echo.peers == [here]


# ------------------------------------------------------------------ socket factories


async def test_a_socket_factory_gives_the_socket_of_the_connection(echo: Listener):
    seen: list[WSParsedURL] = []
    made: list[socket.socket] = []

    def factory(url: WSParsedURL) -> socket.socket:
        seen.append(url)
        made.append(connected(echo.port))
        return made[0]

    url = parse_url("ws://server.test/x")
    async with dial(url, socket_factory=factory) as talk:
        assert await talk.ask(b"hello") == b"hello"
    assert seen == [url]
    assert len(echo.peers) == 1


async def test_a_socket_factory_may_be_a_coroutine_function(echo: Listener):
    async def factory(url: WSParsedURL) -> socket.socket:
        await asyncio.sleep(0)
        return connected(echo.port)

    assert await talk_to("ws://server.test/", socket_factory=factory) == b"hello"


async def test_a_socket_that_is_not_connected_is_connected_to_the_url(echo: Listener):
    def factory(url: WSParsedURL) -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    url = f"ws://localhost:{echo.port}/"
    assert await talk_to(url, socket_factory=factory) == b"hello"


async def test_a_socket_factory_that_returns_none_leaves_the_choice(echo: Listener):
    url = f"ws://127.0.0.1:{echo.port}/"
    assert await talk_to(url, socket_factory=lambda url: None) == b"hello"


async def test_behind_a_proxy_the_socket_is_one_to_the_proxy(echo: Listener):
    seen: list[WSParsedURL] = []
    for kind in (HTTPProxy, SOCKS5Proxy):
        async with kind() as proxy:

            def factory(url: WSParsedURL) -> socket.socket:
                seen.append(url)
                return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

            url = f"ws://127.0.0.1:{echo.port}/"
            answer = await talk_to(url, socket_factory=factory, proxy=proxy.url)
            assert answer == b"hello"
            assert (seen[-1].url, seen[-1].port) == (proxy.url, proxy.port)


async def test_a_socket_factory_must_return_a_socket():
    with pytest.raises(TypeError, match=r"returned 5; it must return a socket.socket, or None"):
        await talk_to("ws://server.test/", socket_factory=lambda url: 5)


async def test_what_a_socket_factory_raises_comes_through():
    def factory(url: WSParsedURL) -> socket.socket:
        raise LookupError("none left")

    with pytest.raises(LookupError, match="none left"):
        await talk_to("ws://server.test/", socket_factory=factory)


async def test_a_socket_that_cannot_be_used_is_closed(unused_port: int, trusting):
    unconnected = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(ConnectionRefusedError):
        await talk_to(f"ws://127.0.0.1:{unused_port}/", socket_factory=lambda url: unconnected)
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagram.connect(("127.0.0.1", 9))
    with pytest.raises(ValueError, match="which is not a stream socket"):
        await talk_to("ws://127.0.0.1/", socket_factory=lambda url: datagram)
    assert (unconnected.fileno(), datagram.fileno()) == (-1, -1)


# ------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ssl": None}, TypeError, "pass ssl_context="),
        ({"host": "h"}, TypeError, "host= is not taken here"),
        ({"port": 80}, TypeError, "port= is not taken here"),
        ({"path": "/s", "proxy": "http://h"}, ValueError, "path= and proxy= exclude"),
        ({"path": "/s", "sock": object()}, ValueError, "sock= and path= exclude"),
        ({"path": "/s", "socket_factory": print}, ValueError, "path= and socket_factory= excl"),
        ({"hapy_eyeballs_delay": 1}, TypeError, "hapy_eyeballs_delay= is not taken here"),
        ({"server_hostname": "h"}, ValueError, "server_hostname= is for wss://"),
        ({"proxy": "ftp://h"}, WSInvalidURL, "starts with none of http://, https://, socks4://"),
        ({"proxy": "http://h:70000"}, WSInvalidURL, "its port '70000' is not in 1 to 65535"),
        ({"proxy": ""}, WSInvalidURL, "starts with none of http://"),
    ],
)
async def test_arguments_that_cannot_be_meant_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
):
    with pytest.raises(error, match=message):
        await talk_to("ws://127.0.0.1:1/", **arguments)


# ------------------------------------------------------------------ aiofastnet


@pytest.mark.parametrize(
    ("scheme", "use", "compiled"),
    [
        ("ws", None, False),
        ("ws", False, False),
        ("ws", True, True),
        ("wss", None, True),
        ("wss", False, False),
        ("wss", True, True),
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
async def test_aiofastnet_makes_the_transport_when_asked_and_for_tls(
    scheme: str, use: bool | None, compiled: bool, proxied: bool, echo, secure_echo, trusting
):
    aiofastnet = pytest.importorskip("aiofastnet")
    if (scheme, use) == ("wss", None) and aiofastnet.OPENSSL_DYN_LIBS is None:
        pytest.skip("this Python has OpenSSL inside")
    port = echo.port if scheme == "ws" else secure_echo.port
    async with HTTPProxy() as proxy:
        settings = {"ssl_context": trusting, "use_aiofastnet": use}
        if proxied:
            settings["proxy"] = proxy.url
        async with dial(f"{scheme}://localhost:{port}/", **settings) as talk:
            assert await talk.ask(b"hello") == b"hello"
            assert type(talk.transport).__module__.startswith("aiofastnet") == compiled


async def test_without_aiofastnet_only_those_who_ask_for_it_miss_it(
    echo: Listener, secure_echo: Listener, trusting, monkeypatch
):
    monkeypatch.setitem(sys.modules, "aiofastnet", None)
    url = f"wss://localhost:{secure_echo.port}/"
    assert await talk_to(url, ssl_context=trusting) == b"hello"
    with pytest.raises(ImportError, match=r"pip install aiohttp_ws\[speedups\]"):
        await talk_to(f"ws://127.0.0.1:{echo.port}/", use_aiofastnet=True)


# ------------------------------------------------------------------ breaking off


@contextlib.contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full: connecting to it never ends."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_address_that_does_not_answer_does_not_keep_from_the_next(
    echo: Listener, monkeypatch
):
    loop = asyncio.get_running_loop()
    silent = ("127.0.0.1", 1)
    asked = asyncio.Event()
    connect = loop.sock_connect

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        if address == silent:
            asked.set()
            await loop.create_future()  # never
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    addresses: list[Any] = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)
        for address in (silent, ("127.0.0.1", echo.port))
    ]
    with await connect_socket(addresses, loop) as sock:
        assert sock.getpeername() == ("127.0.0.1", echo.port)
    assert asked.is_set()


@pytest.mark.skipif(sys.platform != "linux", reason="the queue of connections is Linux's")
@pytest.mark.parametrize("proxy", [None, "http", "socks5"])
async def test_a_cancelled_connect_closes_the_socket(proxy: str | None):
    made: list[socket.socket] = []
    asked = asyncio.Event()

    def factory(url: WSParsedURL) -> socket.socket:
        made.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        asyncio.get_running_loop().call_soon(asked.set)
        return made[0]

    with full_port() as port:
        there = f"127.0.0.1:{port}"
        way = {"proxy": f"{proxy}://{there}"} if proxy else {}
        url = "ws://localhost:1/" if proxy else f"ws://{there}/"
        task = asyncio.ensure_future(talk_to(url, socket_factory=factory, **way))
        await asked.wait()
        await cancelled(task)
    assert made[0].fileno() == -1


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("wss://{there}/", None),
        ("ws://localhost:1/", "http://{there}"),
        ("ws://localhost:1/", "https://{there}"),
        ("ws://localhost:1/", "socks4a://{there}"),
        ("ws://localhost:1/", "socks5://{there}"),
    ],
)
async def test_cancelled_while_the_peer_is_silent_no_socket_stays_open(
    url: str, proxy: str | None, fast: bool
):
    async with Silent() as silent:
        there = f"127.0.0.1:{silent.port}"
        proxy = proxy and proxy.format(there=there)
        task = asyncio.ensure_future(
            talk_to(url.format(there=there), proxy=proxy, use_aiofastnet=fast)
        )
        await silent.met.wait()
        await cancelled(task)
        await silent.left.wait()  # The peer saw the end of its socket.
        assert task.cancelled()


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
async def test_cancelled_while_a_server_behind_a_proxy_is_silent_no_socket_stays_open(
    kind: str, fast: bool, serving, trusting
):
    made = (
        SOCKS5Proxy()
        if kind == "socks5"
        else HTTPProxy(context=serving if kind == "https" else None)
    )
    async with Silent() as silent, made as proxy:
        task = asyncio.ensure_future(
            talk_to(
                f"wss://127.0.0.1:{silent.port}/",
                proxy=proxy.url.replace("127.0.0.1", "localhost"),
                proxy_ssl_context=trusting,
                use_aiofastnet=fast,
            )
        )
        await silent.met.wait()
        await cancelled(task)
        await proxy.left.wait()  # Both saw the end of their sockets.
        await silent.left.wait()
        assert task.cancelled()


@pytest.mark.parametrize("fast", [False, True])
async def test_cancelled_in_the_moment_of_success_no_socket_stays_open(
    fast: bool, secure_echo: Listener, trusting, monkeypatch
):
    established = PendingConnection.connection_made

    def connection_made(self: PendingConnection, transport: asyncio.BaseTransport) -> None:
        established(self, transport)
        task.cancel()

    monkeypatch.setattr(PendingConnection, "connection_made", connection_made)
    url = f"wss://localhost:{secure_echo.port}/"
    task = asyncio.ensure_future(talk_to(url, ssl_context=trusting, use_aiofastnet=fast))
    with pytest.raises(asyncio.CancelledError):
        await task
    await secure_echo.left.wait()


async def test_a_protocol_that_cannot_be_made_leaves_no_socket_open(echo: Listener):
    def protocol() -> Talk:
        raise LookupError("no listener")

    with pytest.raises(LookupError, match="no listener"):
        await open_transport(
            protocol,
            parse_url(f"ws://127.0.0.1:{echo.port}/"),
            loop=asyncio.get_running_loop(),
        )
    await echo.met.wait()
    await echo.left.wait()


# ------------------------------------------------------------------ the moment between


class Transport(asyncio.Transport):
    protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return bool(self._extra.get("closing"))


async def test_the_transport_is_handed_over_once_it_is_made():
    opening = PendingConnection(asyncio.get_running_loop())
    transport = Transport()
    opening.connection_made(transport)
    talk = Talk()
    assert opening.hand_over(talk, "h:80") is transport
    assert transport.protocol is talk
    assert talk.transport is transport


async def test_a_server_that_speaks_before_it_is_asked_is_none_of_websockets():
    opening = PendingConnection(asyncio.get_running_loop())
    opening.connection_made(Transport())
    opening.data_received(b"220 mail.test ESMTP\r\n")
    with pytest.raises(DialError, match="h:25 sent 21 bytes before the") as caught:
        opening.hand_over(Talk(), "h:25")
    assert caught.value.fault is DialFault.SPOKE_FIRST
    assert caught.value.raw_header == b"220 mail.test ESMTP\r\n"


async def test_a_connection_that_is_lost_at_once_is_an_os_error():
    opening = PendingConnection(asyncio.get_running_loop())
    opening.connection_made(Transport({"closing": True}))
    with pytest.raises(ConnectionResetError, match="h:80 closed the connection at once"):
        opening.hand_over(Talk(), "h:80")
