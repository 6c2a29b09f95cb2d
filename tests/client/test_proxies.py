"""Requests and WebSockets of a session through proxies of every kind."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from yarl import URL

from aiohttp_ws import (
    BasicAuth,
    ClientConnectorCertificateError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientSession,
    InvalidURL,
    TCPConnector,
    UnixConnector,
)
from aiohttp_ws.client.proxy import proxy_of
from tests.net.proxies import FAR, HTTPProxy, Proxy, SOCKS4Proxy, SOCKS5Proxy

LOGIN = ("user", "p@ss:/word")
KINDS = [HTTPProxy, SOCKS4Proxy, SOCKS5Proxy]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def serving(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


async def show(request: web.Request) -> web.StreamResponse:
    """Echo a WebSocket's message, or tell of the request."""
    if request.headers.get("Upgrade"):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str(await ws.receive_str())
        await ws.close()
        return ws
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = {"path": request.path_qs, "headers": headers, "body": await request.text()}
    return web.json_response(body)


@pytest.fixture
async def url(serve) -> URL:
    return await serve(show)


@pytest.fixture
async def secure_url(serve, serving) -> URL:
    return await serve(show, ssl=serving)


async def echo_of(session: ClientSession, url: URL, **options: Any) -> str:
    async with session.ws_connect(url, **options) as ws:
        await ws.send_str("hello")
        return await ws.receive_str()


# ------------------------------------------------------------------ ways


@pytest.mark.parametrize("kind", KINDS)
async def test_a_request_goes_through_a_proxy(session, url, kind: type[Proxy]):
    async with kind() as proxy:
        async with session.get(url.join(URL("a?b=c")), proxy=proxy.url) as response:
            assert (await response.json())["path"] == "/a?b=c"
        if isinstance(proxy, HTTPProxy):
            assert proxy.forwarded == [f"http://127.0.0.1:{url.port}/a?b=c"]
        else:
            assert proxy.asked == [("127.0.0.1", url.port)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_secure_request_goes_through_a_tunnel(
    session, secure_url, trusting, kind: type[Proxy]
):
    async with kind() as proxy:
        for _ in range(2):
            async with session.post(
                secure_url, data="x", proxy=proxy.url, ssl=trusting
            ) as response:
                assert (await response.json())["body"] == "x"
        assert proxy.asked == [("127.0.0.1", secure_url.port)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secure", [False, True])
async def test_a_websocket_goes_through_a_tunnel(
    session, url, secure_url, trusting, kind: type[Proxy], secure: bool
):
    there = secure_url if secure else url
    async with kind() as proxy:
        there = there.with_scheme("wss" if secure else "ws")
        assert await echo_of(session, there, proxy=proxy.url, ssl=trusting) == "hello"
        assert proxy.asked == [("127.0.0.1", there.port)]


@pytest.mark.filterwarnings("ignore:ssl_shutdown_timeout:DeprecationWarning")
@pytest.mark.parametrize("fast", [None, False])
@pytest.mark.parametrize("options", [{}, {"ssl_shutdown_timeout": 1}])
async def test_a_proxy_may_be_spoken_to_over_tls(
    url, secure_url, serving, trusting, fast: bool | None, options: dict[str, Any]
):
    connector = TCPConnector(use_aiofastnet=fast, **options)
    async with (
        HTTPProxy(LOGIN, context=serving) as proxy,
        ClientSession(connector=connector) as session,
    ):
        for there in (url, secure_url):
            async with session.get(there, proxy=proxy.with_login, ssl=trusting) as response:
                assert response.status == 200
        assert await echo_of(session, secure_url, proxy=proxy.with_login, ssl=trusting) == "hello"
        for there in (url, secure_url):
            with pytest.raises(ClientConnectorCertificateError):
                await session.get(there, proxy=proxy.with_login)
        # A context for the server means nothing against a certificate of the proxy's.
        assert len(proxy.forwarded) == 1


async def test_a_connector_of_ones_own_decides_about_tls_to_the_proxy(
    url, secure_url, serving, trusting
):
    class Connector(TCPConnector):
        def _update_proxy_auth_header_and_build_proxy_req(self, req):
            asked = super()._update_proxy_auth_header_and_build_proxy_req(req)
            asked._ssl = trusting
            return asked

    async with (
        HTTPProxy(LOGIN, context=serving) as proxy,
        ClientSession(connector=Connector()) as session,
    ):
        async with session.get(url, proxy=proxy.with_login) as response:
            assert response.status == 200
        # The server's certificate is judged by the request's settings.
        with pytest.raises(ClientConnectorCertificateError):
            await session.get(secure_url, proxy=proxy.with_login)
        async with session.get(secure_url, proxy=proxy.with_login, ssl=trusting) as response:
            assert response.status == 200


async def test_a_connector_that_changes_what_the_proxy_is_sent_is_refused(url):
    class Connector(TCPConnector):
        def _update_proxy_auth_header_and_build_proxy_req(self, req):
            asked = super()._update_proxy_auth_header_and_build_proxy_req(req)
            asked.headers["X-Added"] = "1"
            return asked

    async with HTTPProxy() as proxy, ClientSession(connector=Connector()) as session:
        with pytest.raises(TypeError, match="proxy_headers="):
            await session.get(url, proxy=proxy.url)


async def test_tls_behind_a_proxy_is_verified_against_the_server(session, secure_url):
    async with HTTPProxy() as proxy:
        with pytest.raises(ClientConnectorCertificateError, match=f"127.0.0.1:{secure_url.port}"):
            await session.get(secure_url, proxy=proxy.url)


async def test_the_proxy_resolves_the_name_of_the_server(session, url):
    async with HTTPProxy() as proxy, SOCKS5Proxy() as socks:
        for each in (proxy, socks):
            async with session.get(url.with_host(FAR), proxy=each.url) as response:
                assert response.status == 200
        assert socks.asked == [(FAR, url.port)]


async def test_a_session_may_have_a_proxy_for_all_its_requests(url):
    async with (
        HTTPProxy(LOGIN) as proxy,
        ClientSession(proxy=proxy.url, proxy_auth=BasicAuth(*LOGIN)) as session,
    ):
        async with session.get(url) as response:
            assert response.status == 200
        assert await echo_of(session, url) == "hello"
        assert len(proxy.forwarded) == len(proxy.asked) == 1


# ------------------------------------------------------------------ logins and headers


@pytest.mark.parametrize("kind", [HTTPProxy, SOCKS5Proxy])
@pytest.mark.parametrize("in_url", [False, True])
async def test_a_proxy_may_want_a_login(session, url, kind: type[Proxy], in_url: bool):
    async with kind(LOGIN) as proxy:
        way = {"proxy": proxy.url, "proxy_auth": BasicAuth(*LOGIN)}
        if in_url:
            way = {"proxy": proxy.with_login}
        for _ in range(2):  # the second on the same connection
            async with session.get(url, **way) as response:
                assert response.status == 200
        assert await echo_of(session, url, **way) == "hello"
        # A tunnel serves a WebSocket too, a connection for requests to the proxy does not.
        assert len(proxy.peers) == (2 if kind is HTTPProxy else 1)


async def test_what_a_proxy_is_told_does_not_reach_the_server_through_a_tunnel(
    session, secure_url, trusting
):
    async with HTTPProxy(LOGIN) as proxy:
        way = {"proxy": proxy.with_login, "proxy_headers": {"X-Way": "1"}}
        async with session.get(secure_url, ssl=trusting, headers={"X-End": "2"}, **way) as response:
            got = (await response.json())["headers"]
    assert "x-way" not in got
    assert "proxy-authorization" not in got
    assert got["x-end"] == "2"
    assert b"X-Way: 1\r\n" in proxy.head
    assert b"X-End" not in proxy.head


async def test_a_proxy_that_is_sent_the_request_is_told_with_it(session, url):
    async with HTTPProxy() as proxy:
        told = {"Proxy-Authorization": "Bearer token", "X-Way": "1"}
        async with session.get(url, proxy=proxy.url, proxy_headers=told) as response:
            assert "proxy-authorization" not in response.request_info.headers
        (head,) = proxy.heads
    assert b"\r\nProxy-Authorization: Bearer token\r\n" in head
    assert b"\r\nX-Way: 1\r\n" in head
    assert f"\r\nHost: 127.0.0.1:{url.port}\r\n".encode() in head


async def test_headers_of_the_session_are_not_for_the_proxy(secure_url, trusting):
    async with (
        HTTPProxy() as proxy,
        ClientSession(headers={"Authorization": "Bearer secret"}) as session,
    ):
        async with session.get(secure_url, proxy=proxy.url, ssl=trusting) as response:
            assert (await response.json())["headers"]["authorization"] == "Bearer secret"
        assert b"secret" not in proxy.head


# ------------------------------------------------------------------ the pool


async def test_connections_by_different_ways_are_kept_apart(session, url):
    async with HTTPProxy(LOGIN) as one, HTTPProxy() as two:
        ways: list[dict[str, Any]] = [
            {},
            {"proxy": one.with_login},
            {"proxy": two.url},
            {"proxy": two.url, "proxy_headers": {"X-Way": "1"}},
        ]
        for _ in range(2):
            for way in ways:
                async with session.get(url, **way) as response:
                    await response.read()
        assert len(one.peers) == 1
        assert len(two.peers) == 2


async def test_a_tunnel_is_not_used_for_a_request_that_is_for_the_proxy(session, url):
    async with HTTPProxy() as proxy:
        for scheme in ("ws", "http"):
            async with session.get(url.with_scheme(scheme), proxy=proxy.url) as response:
                assert response.status == 200
        assert (len(proxy.asked), len(proxy.forwarded)) == (1, 1)


# ------------------------------------------------------------------ failures


async def test_a_refusal_of_the_proxy_is_an_error_with_its_status(session, secure_url):
    async with HTTPProxy(LOGIN) as proxy:
        with pytest.raises(ClientHttpProxyError) as caught:
            await session.get(secure_url, proxy=proxy.url)
    error = caught.value
    assert (error.status, error.message) == (407, "Who are you")
    assert error.headers is not None
    assert error.headers["proxy-authenticate"] == "Basic"
    assert (error.request_info.method, error.request_info.url) == ("CONNECT", secure_url)


async def test_a_refusal_of_a_proxy_that_is_sent_the_request_is_its_answer(session, url):
    async with (
        HTTPProxy(LOGIN) as proxy,
        session.get(url, proxy=proxy.url) as response,
    ):
        assert (response.status, await response.text()) == (407, "who?")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["http", "https", "ws"])
async def test_a_proxy_that_cannot_be_reached_is_an_error_of_its_own(
    session, unused_tcp_port: int, kind: type[Proxy], scheme: str
):
    way = f"{kind.scheme}://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(ClientProxyConnectionError, match=f"host 127.0.0.1:{unused_tcp_port}"):
        await session.get(f"{scheme}://server.test/", proxy=way)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"\x05\xff"])
async def test_what_is_not_an_answer_of_a_proxy_is_an_error(session, kind, answer: bytes):
    async with kind(answer=answer) as proxy:
        with pytest.raises(ClientProxyConnectionError, match=r"did not connect to 127\.0\.0\.1:1"):
            await session.get("https://127.0.0.1:1/", proxy=proxy.url)
        await proxy.left.wait()
    assert not session.connector._in_use


@pytest.mark.parametrize(
    "proxy", ["ftp://me:secret@h", "http://me:secret@h:70000", "socks5://me:secret@", "me", ""]
)
async def test_what_is_not_the_url_of_a_proxy_is_refused(session, proxy: str):
    with pytest.raises(InvalidURL) as caught:
        await session.get("http://127.0.0.1:1/", proxy=proxy)
    assert "secret" not in str(caught.value)


async def test_the_login_of_a_proxy_is_in_no_error_or_warning(session, secure_url):
    async with HTTPProxy(("me", "secret"), answer=b"HTTP/1.1 403 No\r\n\r\n") as proxy:
        with pytest.raises(ClientHttpProxyError) as caught:
            await session.get(secure_url, proxy=proxy.with_login)
        assert "secret" not in repr(caught.value)
    assert "secret" not in repr(proxy_of(proxy.with_login, None, None, tunnels=True))


async def test_a_unix_socket_takes_no_proxy(tmp_path: Path):
    path = str(tmp_path / "socket")
    async with ClientSession(connector=UnixConnector(path)) as session:
        with pytest.raises(ValueError, match=f"not for connections to the Unix socket {path}"):
            await session.get("http://localhost/", proxy="http://127.0.0.1:1")


# ------------------------------------------------------------------ the environment


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One without proxies and logins."""
    for scheme in ("http", "https", "ws", "wss", "socks", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_PROXY".upper(), raising=False)
    monkeypatch.setenv("NETRC", "/dev/null")
    return monkeypatch


@pytest.mark.parametrize("with_scheme", [False, True])
async def test_the_environment_names_proxies_where_it_is_trusted(
    environment, url, session, with_scheme: bool
):
    async with HTTPProxy() as proxy:
        way = proxy.url if with_scheme else f"127.0.0.1:{proxy.port}"
        environment.setenv("http_proxy", way)
        environment.setenv("WS_PROXY", way)
        async with session.get(url) as response:
            assert response.status == 200
        assert (proxy.forwarded, session.trust_env) == ([], False)
        async with ClientSession(trust_env=True) as trusting:
            assert trusting.trust_env
            async with trusting.get(url) as response:
                assert response.status == 200
            assert await echo_of(trusting, url.with_scheme("ws")) == "hello"
            assert len(proxy.forwarded) == len(proxy.asked) == 1
            environment.setenv("no_proxy", "127.0.0.1")
            async with trusting.get(url) as response:
                assert response.status == 200
            assert len(proxy.forwarded) == 1


async def test_a_proxy_that_is_passed_counts_more_than_the_environments(environment, url):
    async with HTTPProxy() as proxy, ClientSession(trust_env=True) as session:
        environment.setenv("http_proxy", "http://127.0.0.1:1")
        async with session.get(url, proxy=proxy.url) as response:
            assert response.status == 200


async def test_each_redirect_asks_the_environment_again(environment, serve):
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/there":
            return web.Response(text="there")
        raise web.HTTPFound(f"http://localhost:{request.url.port}/there")

    url = await serve(handler)
    async with HTTPProxy() as proxy, ClientSession(trust_env=True) as session:
        environment.setenv("http_proxy", proxy.url)
        environment.setenv("no_proxy", "localhost")
        async with session.get(url) as response:
            assert await response.text() == "there"
        assert proxy.forwarded == [str(url)]


async def test_logins_come_from_the_netrc_file_where_the_environment_is_trusted(
    environment, url, tmp_path: Path
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    environment.setenv("NETRC", str(tmp_path / "netrc"))
    async with ClientSession() as session, session.get(url) as response:
        assert "authorization" not in (await response.json())["headers"]
    async with ClientSession(trust_env=True) as session:
        async with session.get(url) as response:
            got = (await response.json())["headers"]["authorization"]
            assert got == BasicAuth("me", "secret").encode()
        other = BasicAuth("you", "word")
        async with session.get(url, auth=other) as response:
            assert (await response.json())["headers"]["authorization"] == other.encode()
        async with session.get(url, headers={"Authorization": "Bearer x"}) as response:
            assert (await response.json())["headers"]["authorization"] == "Bearer x"


async def test_a_unix_socket_takes_no_proxy_of_the_environment(environment, tmp_path: Path):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET / HTTP/1.1\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    environment.setenv("http_proxy", "http://127.0.0.1:1")
    path = str(tmp_path / "socket")
    server = await asyncio.start_unix_server(talk, path)
    async with (
        ClientSession(connector=UnixConnector(path), trust_env=True) as session,
        session.get("http://localhost/") as response,
    ):
        assert response.status == 204
    server.close()


NONSENSE = [
    b"",
    b"\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"HTTP/1.1 200\xff\xfe OK\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
    b"HTTP/1.1 200 OK\r\n\r\nbytes before the handshake",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nlogin",
    b"\x16\x03\x01\x02\x00",
]


@pytest.mark.parametrize("scheme", ["http", "https", "ws"])
@pytest.mark.parametrize("answer", NONSENSE)
async def test_a_proxy_that_answers_nonsense_is_an_error_and_holds_no_connection(
    raw, answer: bytes, scheme: str
):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.write_eof()
        await reader.read()

    server = await raw(talk)
    connector = TCPConnector(limit=1)
    async with ClientSession(connector=connector, proxy=server.url) as session:
        for _ in range(2):
            try:
                if scheme == "ws":
                    await session.ws_connect("ws://far.invalid/")
                else:
                    url = f"{scheme}://far.invalid/"
                    async with session.get(url, allow_redirects=False) as response:
                        await response.read()
            except ClientError:
                pass
            else:
                assert scheme == "http"
            assert not connector._acquired
            assert connector._taken == 0


async def test_proxy_arguments_without_a_proxy_are_of_no_effect(session, url):
    login = BasicAuth(*LOGIN)
    for options in ({"proxy_headers": {"X": "y"}}, {"proxy_auth": login}):
        async with session.get(url, proxy=None, **options) as response:
            seen = await response.json()
        assert "x" not in seen["headers"]
        assert "proxy-authorization" not in seen["headers"]
