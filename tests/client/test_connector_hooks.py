"""What subclasses of connectors override, as with aiohttp; and what is refused."""

import asyncio
import socket

import pytest
from aiohttp import web

import aiohttp_ws
from aiohttp_ws import BaseConnector, ClientSession, TCPConnector, UnixConnector
from aiohttp_ws.client.protocol import ClientProtocol


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.headers['Host']}")


async def get(connector: BaseConnector, url: object) -> str:
    async with ClientSession(connector=connector) as session, session.get(url) as response:
        return await response.text()


async def test_create_connection_decides_where_to_connect(serve):
    there = await serve(hello)

    class Elsewhere(BaseConnector):
        async def _create_connection(self, req, traces, timeout):
            _, protocol = await self._loop.create_connection(self._factory, there.host, there.port)
            return protocol

    assert await get(Elsewhere(), "http://nowhere.invalid/") == "hello nowhere.invalid"


async def test_wrap_create_connection_may_use_a_protocol_and_a_socket_of_its_own(serve):
    """As aiohttp-socks does: addresses that are names, and a stream of its own."""
    there = await serve(hello)
    asked = []

    class Protocol(ClientProtocol):
        def __init__(self, loop, writer):
            super().__init__(loop)
            self._writer = writer

    class Proxy(TCPConnector):
        async def _wrap_create_connection(
            self, *args, addr_infos, req, timeout, client_error=None, **kwargs
        ):
            asked.append((addr_infos[0][4][:2], kwargs["ssl"], timeout.sock_connect))
            _, writer = await asyncio.open_connection(there.host, there.port)
            protocol = Protocol(self._loop, writer)
            writer.transport.set_protocol(protocol)
            protocol.connection_made(writer.transport)
            return writer.transport, protocol

    class Names(aiohttp_ws.abc.AbstractResolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            return [
                {
                    "hostname": host,
                    "host": host,
                    "port": port,
                    "family": family,
                    "proto": 0,
                    "flags": 0,
                }
            ]

        async def close(self):
            pass

    connector = Proxy(resolver=Names())
    async with ClientSession(connector=connector) as session:
        for _ in range(2):
            async with session.get("http://name.invalid:81/") as response:
                assert await response.text() == "hello name.invalid:81"
    assert asked == [(("name.invalid", 81), None, 30)]


async def test_create_direct_connection_and_resolve_host_are_called(serve):
    there = await serve(hello)
    called = []

    class Own(TCPConnector):
        async def _resolve_host(self, host, port, traces=None):
            called.append((host, port))
            return await super()._resolve_host(there.host, there.port, traces)

        async def _create_direct_connection(self, req, traces, timeout, **kwargs):
            called.append(req.url.path)
            return await super()._create_direct_connection(req, traces, timeout, **kwargs)

    assert await get(Own(), "http://name.invalid/path") == "hello name.invalid"
    assert called == ["/path", ("name.invalid", 80)]


async def test_a_connect_that_is_overridden_is_asked_for_every_request(serve):
    url = await serve(hello)
    asked = []

    class Counting(TCPConnector):
        async def connect(self, req, traces, timeout):
            asked.append(req.url)
            return await super().connect(req, traces, timeout)

    async with ClientSession(connector=Counting()) as session:
        for _ in range(3):
            async with session.get(url) as response:
                await response.text()
    assert asked == [url] * 3


async def test_what_is_kept_and_lent_has_aiohttps_names(serve):
    url = await serve(hello)
    async with ClientSession() as session:
        connector = session.connector
        response = await session.get(url)
        await response.text()
        assert not connector._acquired
        ((key, kept),) = connector._conns.items()
        assert (key.host, key.port, key.is_ssl) == (url.host, url.port, False)
        assert kept[0][0].is_connected()
        connector._close()
        assert connector.closed
        assert not connector._conns


@pytest.mark.parametrize(
    ("base", "name"),
    [
        (BaseConnector, "_get"),
        (TCPConnector, "_available_connections"),
        (UnixConnector, "_release_acquired"),
        (TCPConnector, "_start_tls_connection"),
        (TCPConnector, "_wrap_existing_connection"),
        (aiohttp_ws.ClientResponse, "_response_eof"),
        (aiohttp_ws.ClientWebSocketResponse, "_send_heartbeat"),
    ],
)
def test_a_hook_that_nothing_would_call_is_refused(base, name):
    with pytest.raises(TypeError, match=f"Hooked.{name}.* would not be called"):
        type("Hooked", (base,), {name: lambda self: None})


async def test_a_resolver_that_raises_gives_the_place_back(serve):
    class Broken(aiohttp_ws.abc.AbstractResolver):
        error: BaseException = OSError("no name server")

        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise self.error

        async def close(self):
            pass

    resolver = Broken()
    connector = TCPConnector(limit=1, resolver=resolver)
    url = await serve(hello)
    async with ClientSession(connector=connector) as session:
        for _ in range(2):
            with pytest.raises(aiohttp_ws.ClientConnectorDNSError, match="no name server"):
                await session.get("http://name.invalid/")
        resolver.error = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await session.get("http://name.invalid/")
        async with session.get(url) as response:
            assert response.status == 200


async def test_a_connection_is_kept_without_limit_for_a_timeout_of_none(serve):
    url = await serve(hello)
    async with ClientSession(connector=TCPConnector(keepalive_timeout=None)) as session:
        async with session.get(url) as response:
            await response.text()
        assert session.connector._conns
        assert session.connector._sweeper is None
