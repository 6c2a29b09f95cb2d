"""Requests and WebSockets of a session through real forward proxies."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from yarl import URL

from aiohttp_ws import (
    BasicAuth,
    ClientHttpProxyError,
    ClientSession,
    encode_basic_auth,
    web,
)
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.interop.forward_proxies import LOGIN, proxy_py, tinyproxy
from tests.peers import require

BODY = b"0123456789" * 20_000
KINDS = ["proxy.py", "proxy.py with TLS", "tinyproxy"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module", params=[f"{kind}{login}" for kind in KINDS for login in ("", "!")])
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA
) -> Iterator[URL]:
    """The URL of a proxy, with a login where it wants one."""
    kind, login, _ = request.param.partition("!")
    program = require("tinyproxy" if kind == "tinyproxy" else "proxy.py")
    folder: Path = tmp_path_factory.mktemp("proxy")
    if kind == "tinyproxy":
        started = tinyproxy(program, folder, bool(login))
    else:
        started = proxy_py(folder, authority if "TLS" in kind else None, bool(login))
    with started as url:
        yield URL(url).with_user(LOGIN[0]).with_password(LOGIN[1]) if login else URL(url)


async def handle(request: web.Request) -> web.StreamResponse:
    if "Upgrade" in request.headers:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_str(message.data)
        return websocket
    return web.Response(
        body=await request.read(), headers={"X-Told": request.headers.get("Proxy-Secret", "none")}
    )


@pytest.fixture(params=["http", "https"])
async def there(
    request: pytest.FixtureRequest, aiohttp_server: AiohttpServer, authority: trustme.CA
) -> URL:
    """Our own server, with TLS or without: TLS in TLS behind a proxy that has it."""
    app = web.Application()
    app.router.add_route("*", "/", handle)
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server = await aiohttp_server(app, ssl=context)
    return URL(f"{request.param}://127.0.0.1:{server.port}/")


async def test_bodies_pass_both_ways(proxy: URL, there: URL, trusting: ssl.SSLContext):
    async with ClientSession(proxy=proxy) as session:
        for _ in range(3):
            # Not POST: tinyproxy closes connections that it promises to keep.
            async with session.put(there, data=BODY, ssl=trusting) as response:
                assert response.status == 200
                assert await response.read() == BODY


async def test_a_websocket_passes(proxy: URL, there: URL, trusting: ssl.SSLContext):
    async with (
        ClientSession() as session,
        session.ws_connect(there, proxy=proxy, ssl=trusting) as websocket,
    ):
        for text in ("hello", "x" * 70_000):
            await websocket.send_str(text)
            assert await websocket.receive_str() == text


async def test_the_login_may_be_an_argument_or_a_header(
    proxy: URL, there: URL, trusting: ssl.SSLContext
):
    if proxy.user is None:
        return
    bare = proxy.with_user(None)
    header = {"Proxy-Authorization": encode_basic_auth(*LOGIN)}
    async with ClientSession() as session:
        for login in ({"proxy_auth": BasicAuth(*LOGIN)}, {"proxy_headers": header}):
            async with session.get(there, proxy=bare, ssl=trusting, **login) as response:
                assert response.status == 200


async def test_a_wrong_login_is_refused(proxy: URL, there: URL, trusting: ssl.SSLContext):
    if proxy.user is None:
        return
    wrong = proxy.with_password("wrong")
    async with ClientSession() as session:
        if there.scheme == "https":
            with pytest.raises(ClientHttpProxyError) as refused:
                await session.get(there, proxy=wrong, ssl=trusting)
            assert refused.value.status in (401, 407)
        else:
            async with session.get(there, proxy=wrong, ssl=trusting) as response:
                assert response.status in (401, 407)


async def test_the_environment_names_the_proxy(
    proxy: URL, there: URL, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"{there.scheme}_proxy", str(proxy))
    monkeypatch.setenv("no_proxy", "")
    async with ClientSession(trust_env=True) as session:
        async with session.get(there, ssl=trusting) as response:
            assert response.status == 200
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv(f"{there.scheme}_proxy", "http://127.0.0.1:1")
        async with session.get(there, ssl=trusting) as response:
            assert response.status == 200
