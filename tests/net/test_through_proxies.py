"""Connections through HTTP and SOCKS proxies, and the ways a proxy can fail."""

from __future__ import annotations

import asyncio
import ssl
import sys

import pytest

from aiohttp_ws.errors import BadHttpMessage, WSInvalidURL
from aiohttp_ws.net.dial_error import DialError, DialFault

from .proxies import FAR, HTTPProxy, Listener, Proxy, SOCKS4Proxy, SOCKS5Proxy
from .talking import dial, talk_to

LOGIN = ("user", "p@ss:/word")
KINDS = [HTTPProxy, SOCKS4Proxy, SOCKS5Proxy]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_proxy_connects_to_the_server(
    kind: type[Proxy], scheme: str, echo: Listener, secure_echo: Listener, trusting
):
    port = echo.port if scheme == "ws" else secure_echo.port
    async with kind() as proxy:
        url = f"{scheme}://localhost:{port}/"
        assert await talk_to(url, proxy=proxy.url, ssl_context=trusting) == b"hello"
        host = "127.0.0.1" if kind is SOCKS4Proxy else "localhost"
        assert proxy.asked == [(host, port)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_may_want_a_login(kind: type[Proxy], echo: Listener):
    url = f"ws://127.0.0.1:{echo.port}/"
    async with kind(LOGIN) as proxy:
        assert await talk_to(url, proxy=proxy.with_login) == b"hello"
        for wrong in (proxy.url, proxy.url.replace("://", "://other:one@")):
            with pytest.raises(DialError, match=f"did not connect to 127.0.0.1:{echo.port}: "):
                await talk_to(url, proxy=wrong)
        assert len(proxy.asked) == 1


async def test_a_login_of_an_http_proxy_is_utf_8(echo: Listener):
    async with HTTPProxy(("usér", "pässword")) as proxy:
        url = f"ws://127.0.0.1:{echo.port}/"
        assert await talk_to(url, proxy=proxy.with_login) == b"hello"


@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
@pytest.mark.parametrize("login", ["us%C3%A9r:word", "user:w%C3%B6rd", f"user:{'w' * 256}"])
async def test_a_login_that_socks_cannot_carry_is_refused(scheme: str, login: str):
    async with SOCKS5Proxy() as proxy:
        way = f"{scheme}://{login}@127.0.0.1:{proxy.port}"
        with pytest.raises(
            WSInvalidURL, match="SOCKS has logins of 0 to 255 ASCII charac"
        ) as caught:
            await talk_to("ws://localhost/", proxy=way)
        assert login not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        (HTTPProxy, "http"),
        (SOCKS4Proxy, "socks4a"),
        (SOCKS5Proxy, "socks5"),
        (SOCKS5Proxy, "socks5h"),
    ],
)
async def test_the_proxy_resolves_the_name_of_the_server(
    kind: type[Proxy], scheme: str, echo: Listener
):
    async with kind() as proxy:
        way = f"{scheme}://127.0.0.1:{proxy.port}"
        assert await talk_to(f"ws://{FAR}:{echo.port}/", proxy=way) == b"hello"
        assert proxy.asked == [(FAR, echo.port)]


async def test_a_socks4_proxy_is_given_ipv4_addresses_only():
    async with SOCKS4Proxy() as proxy:
        with pytest.raises(OSError):  # noqa: PT011 - what a resolver says differs
            await talk_to(f"ws://{FAR}/", proxy=proxy.url)
        for scheme in ("socks4", "socks4a"):
            with pytest.raises(DialError, match=r"to \[::1\]:80: SOCKS4 has no IPv6 addresses"):
                await talk_to("ws://[::1]/", proxy=proxy.url.replace("socks4", scheme))
        assert proxy.asked == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_that_cannot_be_reached_is_an_os_error(kind: type[Proxy], unused_port: int):
    with pytest.raises(ConnectionRefusedError):
        await talk_to("ws://localhost/", proxy=f"{kind.scheme}://127.0.0.1:{unused_port}")


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("fast", [False, True])
async def test_a_proxy_may_be_spoken_to_over_tls(
    scheme: str, fast: bool, echo: Listener, secure_echo: Listener, serving, trusting
):
    port = echo.port if scheme == "ws" else secure_echo.port
    async with HTTPProxy(LOGIN, context=serving) as proxy:
        way = proxy.with_login.replace("127.0.0.1", "localhost")
        settings = {"proxy": way, "ssl_context": trusting, "use_aiofastnet": fast}
        url = f"{scheme}://localhost:{port}/"
        assert await talk_to(url, proxy_ssl_context=trusting, **settings) == b"hello"
        with pytest.raises(ssl.SSLCertVerificationError):
            await talk_to(url, **settings)
        assert len(proxy.asked) == 1


async def test_tls_behind_a_proxy_is_verified_too(secure_echo: Listener):
    async with HTTPProxy() as proxy:
        with pytest.raises(ssl.SSLCertVerificationError):
            await talk_to(f"wss://localhost:{secure_echo.port}/", proxy=proxy.url)
        await proxy.left.wait()


async def test_through_a_proxy_the_transport_is_the_loops_own(echo: Listener):
    async with dial(f"ws://127.0.0.1:{echo.port}/") as talk:
        direct = type(talk.transport)
    for kind in KINDS:
        url = f"ws://127.0.0.1:{echo.port}/"
        async with kind() as proxy, dial(url, proxy=proxy.url) as talk:
            assert type(talk.transport) is direct


async def test_an_ipv6_address_stands_in_brackets():
    async with HTTPProxy(answer=b"HTTP/1.1 502 No\r\n\r\n") as proxy:
        with pytest.raises(DialError, match=r"to \[fe80::1\]:8080: it answered 502 No"):
            await talk_to("ws://[fe80::1%25lo]:8080/", proxy=proxy.url)
        assert proxy.head.startswith(b"CONNECT [fe80::1]:8080 HTTP/1.1\r\nHost: [fe80::1]:8080\r\n")


# ------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    "welcome",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 204\r\nDate: today\r\n\r\n",
        # RFC 9110 9.3.6: no body after a 2xx, whatever its headers say.
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_any_success_of_an_http_proxy_is_one(welcome: bytes, echo: Listener):
    async with HTTPProxy() as proxy:
        proxy.welcome = welcome
        assert await talk_to(f"ws://127.0.0.1:{echo.port}/", proxy=proxy.url) == b"hello"


async def test_an_answer_may_come_byte_by_byte():
    head = b"HTTP/1.1 403 Not you\r\nReason: many\r\n\r\n"
    async with HTTPProxy(answer=[bytes([each]) for each in head]) as proxy:
        with pytest.raises(DialError, match="403 Not you") as caught:
            await talk_to("ws://localhost/", proxy=proxy.url)
        assert caught.value.raw_header == head[:-4]


async def test_the_refusal_of_an_http_proxy_is_there_to_read():
    async with HTTPProxy(LOGIN) as proxy:
        with pytest.raises(DialError) as caught:
            await talk_to("ws://server.test:81/", proxy=proxy.url)
    error = caught.value
    assert error.fault is DialFault.PROXY_REFUSED
    assert str(error) == (
        f"proxy {proxy.url} did not connect to server.test:81: it answered 407 Who are you"
    )
    assert error.raw_header is not None
    assert error.raw_header.startswith(b"HTTP/1.1 407 Who are you\r\nProxy-Auth")
    assert error.head is not None
    assert error.head.status == 407
    assert error.head.headers["proxy-authenticate"] == "Basic"


async def test_the_login_of_a_proxy_is_not_told_in_an_error():
    async with HTTPProxy(("me", "secret"), answer=b"") as proxy:
        with pytest.raises(DialError) as caught:
            await talk_to("ws://localhost/", proxy=proxy.with_login)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "it closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nA: b", "it closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "did not connect to localhost:80: "),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 9000, "8190"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, "128"),
        (HTTPProxy.welcome + b"220 mail", "sent 8 bytes after its answer"),
    ],
)
async def test_what_is_no_answer_of_an_http_proxy_is_an_error(answer: bytes, message: str):
    async with HTTPProxy(answer=answer) as proxy:
        with pytest.raises(DialError, match=message) as caught:
            await talk_to("ws://localhost/", proxy=proxy.url)
        assert caught.value.fault is DialFault.PROXY_ANSWER
        assert isinstance(caught.value.__cause__, (BadHttpMessage, OSError, type(None)))
        await proxy.left.wait()


@pytest.mark.parametrize(
    "answer", [b"", b"\0", b"\x05\xff", b"\0\x5b" + bytes(6), b"HTTP/1.1 200 O"]
)
@pytest.mark.parametrize("kind", [SOCKS4Proxy, SOCKS5Proxy])
async def test_what_is_no_success_of_a_socks_proxy_is_an_error(kind: type[Proxy], answer: bytes):
    async with kind(answer=answer) as proxy:
        message = f"{proxy.url} did not connect to localhost:80: "
        with pytest.raises(DialError, match=message) as caught:
            await talk_to("ws://localhost/", proxy=proxy.url)
        assert caught.value.fault is DialFault.SOCKS_FAILED
        await proxy.left.wait()


async def test_without_python_socks_only_socks_misses_it(echo: Listener, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_socks", None)
    url = f"ws://127.0.0.1:{echo.port}/"
    async with HTTPProxy() as proxy:
        assert await talk_to(url, proxy=proxy.url) == b"hello"
    async with SOCKS5Proxy() as proxy:
        with pytest.raises(ImportError, match=r"pip install aiohttp_ws\[proxy\]"):
            await talk_to(url, proxy=proxy.url)


async def test_connections_through_one_proxy_do_not_meet(echo: Listener):
    async with HTTPProxy() as proxy, SOCKS5Proxy() as other:
        url = f"ws://127.0.0.1:{echo.port}/"
        answers = await asyncio.gather(
            *(talk_to(url, proxy=each.url) for each in (proxy, other) * 10)
        )
        assert answers == [b"hello"] * 20
