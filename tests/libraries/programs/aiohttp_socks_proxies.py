"""aiohttp-socks: requests and WebSockets through SOCKS and HTTP proxies, which see each of them."""

import asyncio
import ssl

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp_socks import (
    ChainProxyConnector,
    ProxyConnectionError,
    ProxyConnector,
    ProxyError,
    ProxyInfo,
    ProxyType,
    open_connection,
)
from tiny_proxy import HttpProxyHandler, Socks4ProxyHandler, Socks5ProxyHandler

HANDLERS = {
    "socks5": Socks5ProxyHandler,
    "socks4": Socks4ProxyHandler,
    "http": HttpProxyHandler,
}


@pytest.fixture
def seen():
    return []


@pytest.fixture
async def proxy(seen):
    """Starts a proxy of a kind and gives its port; ``seen`` has the kinds that were asked."""
    import anyio

    running = []

    async def start(kind, **settings):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        handler = HANDLERS[kind](**settings)

        async def handle(stream):
            seen.append(kind)
            await handler.handle(stream)

        running.append(asyncio.create_task(listener.serve(handle)))
        return listener.extra(anyio.abc.SocketAttribute.local_port)

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture(params=["http", "https"])
async def server(request, aiohttp_server, authority):
    async def hello(request):
        return web.Response(text=f"hello {request.scheme}")

    async def echo(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data)
        return ws

    app = web.Application()
    app.add_routes([web.get("/", hello), web.get("/ws", echo)])
    context = None
    if request.param == "https":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    return await aiohttp_server(app, ssl=context)


@pytest.fixture
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("kind", HANDLERS)
async def test_request_goes_through_the_proxy(server, proxy, seen, trusting, kind):
    connector = ProxyConnector.from_url(f"{kind}://127.0.0.1:{await proxy(kind)}", ssl=trusting)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(2):
            async with session.get(server.make_url("/")) as response:
                assert await response.text() == f"hello {server.scheme}"
    assert seen == [kind]


@pytest.mark.parametrize("kind", HANDLERS)
async def test_websocket_goes_through_the_proxy(server, proxy, seen, trusting, kind):
    connector = ProxyConnector.from_url(f"{kind}://127.0.0.1:{await proxy(kind)}", ssl=trusting)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(server.make_url("/ws")) as ws,
    ):
        await ws.send_str("a")
        assert await ws.receive_str() == "a"
    assert seen == [kind]


async def test_password_is_sent_and_asked_for(server, proxy, trusting):
    port = await proxy("socks5", username="user", password="right")
    for password, accepted in (("right", True), ("wrong", False)):
        connector = ProxyConnector(
            proxy_type=ProxyType.SOCKS5,
            host="127.0.0.1",
            port=port,
            username="user",
            password=password,
            ssl=trusting,
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            if accepted:
                async with session.get(server.make_url("/")) as response:
                    assert response.status == 200
            else:
                with pytest.raises(ProxyError):
                    await session.get(server.make_url("/"))


async def test_proxies_in_a_chain(server, proxy, seen, trusting):
    kinds = ["socks5", "socks4", "http"]
    chain = [ProxyInfo(ProxyType[kind.upper()], "127.0.0.1", await proxy(kind)) for kind in kinds]
    connector = ChainProxyConnector(chain, ssl=trusting)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(server.make_url("/")) as response,
    ):
        assert response.status == 200
    assert seen == kinds


async def test_proxy_that_is_absent_has_its_error(server, unused_tcp_port):
    connector = ProxyConnector.from_url(f"socks5://127.0.0.1:{unused_tcp_port}")
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(ProxyConnectionError):
            await session.get(server.make_url("/"))


async def test_stream_goes_through_the_proxy(aiohttp_server, proxy, seen):
    app = web.Application()
    server = await aiohttp_server(app)
    reader, writer = await open_connection(
        proxy_url=f"socks5://127.0.0.1:{await proxy('socks5')}", host="127.0.0.1", port=server.port
    )
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"404"
    writer.close()
    assert seen == ["socks5"]
