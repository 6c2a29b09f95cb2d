"""Reaching a server: names, addresses, sockets and their errors."""

import asyncio
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aiohttp_ws import errors
from aiohttp_ws.abc import AbstractResolver
from aiohttp_ws.client import (
    AsyncResolver,
    BaseConnector,
    ClientSession,
    DefaultResolver,
    NamedPipeConnector,
    TCPConnector,
    ThreadedResolver,
    UnixConnector,
)
from aiohttp_ws.client import resolver as resolver_module
from aiohttp_ws.client.dns_cache import DNSCache
from tests.client.waiting import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Names(AbstractResolver):
    """Resolves every name to given addresses, and counts."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.asked: list[tuple[str, int, int]] = []
        self.closed = False

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append((host, port, family))
        await asyncio.sleep(0)
        if not self.hosts:
            raise OSError(None, "no such name")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in self.hosts
        ]

    async def close(self) -> None:
        self.closed = True


async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


async def test_names_are_resolved_once_and_remembered(raw):
    server = await raw(OK)
    names = Names("127.0.0.1")
    async with ClientSession(
        connector=TCPConnector(resolver=names, force_close=True, family=socket.AF_INET)
    ) as session:
        url = server.url.with_host("example.com")
        assert await asyncio.gather(*(fetch(session, url) for _ in range(5))) == ["ok"] * 5
        assert names.asked == [("example.com", server.url.port, socket.AF_INET)]
        session.connector.clear_dns_cache("example.com", server.url.port)
        await fetch(session, url)
        session.connector.clear_dns_cache()
        await fetch(session, url)
        with pytest.raises(ValueError, match="both or neither"):
            session.connector.clear_dns_cache("example.com")
    assert len(names.asked) == 3
    assert not names.closed  # it is the caller's
    assert b"Host: example.com" in server.requests[0]


async def test_the_dns_cache_can_be_turned_off(raw):
    server = await raw(OK)
    names = Names("127.0.0.1")
    connector = TCPConnector(resolver=names, use_dns_cache=False, force_close=True)
    async with ClientSession(connector=connector) as session:
        for _ in range(2):
            await fetch(session, server.url.with_host("example.com"))
    assert len(names.asked) == 2


async def test_another_address_is_tried_when_one_fails(raw):
    server = await raw(OK)
    async with ClientSession(
        connector=TCPConnector(resolver=Names("::1", "127.0.0.3", "127.0.0.1"))
    ) as session:
        assert await fetch(session, server.url.with_host("example.com")) == "ok"


async def test_a_resolver_may_leave_the_family_of_an_address_open(raw):
    class Families(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            answers = await super().resolve(host, port, family)
            return [answer | {"family": family} for answer in answers]

    server = await raw(OK)
    async with ClientSession(connector=TCPConnector(resolver=Families("127.0.0.1"))) as session:
        assert await fetch(session, server.url.with_host("example.com")) == "ok"


async def test_a_name_without_address_is_a_dns_error():
    async with ClientSession(connector=TCPConnector(resolver=Names())) as session:
        with pytest.raises(errors.ClientConnectorDNSError, match=r"example\.com:80") as caught:
            await session.get("http://example.com/")
        assert session.connector._taken == 0
    assert isinstance(caught.value, errors.ClientConnectorError)
    assert (caught.value.host, caught.value.port) == ("example.com", 80)


async def test_a_closed_port_is_a_connector_error(session):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(errors.ClientConnectorError) as caught:
            await session.get(f"http://127.0.0.1:{port}/")
    error = caught.value
    assert isinstance(error, OSError)
    assert (error.host, error.port, error.ssl) == ("127.0.0.1", port, True)
    assert isinstance(error.os_error, ConnectionRefusedError)
    assert f"Cannot connect to host 127.0.0.1:{port} ssl:default" in str(error)
    assert session.connector._taken == 0


async def test_addresses_need_no_resolver(raw):
    server = await raw(OK)
    names = Names()
    async with ClientSession(connector=TCPConnector(resolver=names)) as session:
        assert await fetch(session, server.url) == "ok"
    assert not names.asked


async def test_the_local_address_can_be_chosen(raw):
    peers = []

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(OK)
        await writer.drain()

    server = await raw(talk)
    async with ClientSession(connector=TCPConnector(local_addr=("127.0.0.2", 0))) as session:
        assert await fetch(session, server.url) == "ok"
    assert peers == ["127.0.0.2"]


async def test_a_socket_factory_makes_the_sockets(raw):
    made = []

    def factory(info):
        family, kind, proto, _, _ = info
        made.append(socket.socket(family, kind, proto))
        return made[-1]

    server = await raw(OK)
    async with ClientSession(connector=TCPConnector(socket_factory=factory)) as session:
        assert await fetch(session, server.url) == "ok"
    assert len(made) == 1


async def test_ipv6_hosts_are_bracketed():
    async def handler(request):
        return web.Response(text=request.host)

    app = web.Application()
    app.router.add_get("/", handler)
    server = TestServer(app, host="::1")
    try:
        await server.start_server()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with ClientSession() as session:
        assert await fetch(session, f"http://[::1]:{server.port}/") == f"[::1]:{server.port}"
    await server.close()


async def test_unix_sockets(tmp_path):
    path = str(tmp_path / "socket")

    async def talk(reader, writer):
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(talk, path)
    connector = UnixConnector(path=path)
    assert connector.path == path
    async with ClientSession(connector=connector) as session:
        assert await fetch(session, "http://any/thing") == "ok"
        assert await fetch(session, "http://any/thing") == "ok"
    server.close()
    async with ClientSession(connector=UnixConnector(path=path + "x")) as session:
        with pytest.raises(errors.UnixClientConnectorError, match="unix socket"):
            await session.get("http://any/")


async def test_the_base_connector_connects_to_nothing():
    async with ClientSession(connector=BaseConnector()) as session:
        with pytest.raises(TypeError, match="TCPConnector"):
            await session.get("http://127.0.0.1/")


# ------------------------------------------------------------------------------- resolvers


async def test_the_threaded_resolver_asks_the_system():
    assert DefaultResolver is ThreadedResolver
    resolver = ThreadedResolver()
    found = await resolver.resolve("localhost", 80)
    assert found[0]["host"] == "127.0.0.1"
    assert (found[0]["hostname"], found[0]["port"]) == ("localhost", 80)
    with pytest.raises(OSError, match="known"):
        await resolver.resolve("does-not-exist.invalid")
    await resolver.close()


@pytest.mark.skipif(resolver_module.aiodns is not None, reason="aiodns is installed")
async def test_the_asynchronous_resolver_says_what_it_lacks():
    with pytest.raises(RuntimeError, match="pip install aiodns"):
        AsyncResolver()


@pytest.mark.skipif(resolver_module.aiodns is None, reason="aiodns is not installed")
async def test_the_asynchronous_resolver_asks_by_itself():
    resolver = AsyncResolver()
    found = await resolver.resolve("localhost", 80, socket.AF_INET)
    assert (found[0]["host"], found[0]["port"]) == ("127.0.0.1", 80)
    with pytest.raises(OSError, match=r"\w"):
        await resolver.resolve("does-not-exist.invalid")
    await resolver.close()
    await resolver.close()
    with pytest.raises(OSError, match="closed"):
        await resolver.resolve("localhost")


async def test_named_pipes_are_refused_where_there_are_none():
    with pytest.raises(RuntimeError, match="no named pipes"):
        NamedPipeConnector(r"\\.\pipe\name")


async def test_the_dns_cache_turns_and_forgets():
    cache = DNSCache(ttl=None, max_size=2)
    names = Names("10.0.0.1", "10.0.0.2")

    async def ask(name):
        return await cache.resolve(name, lambda: names.resolve(*name))

    hosts = [(await ask(("a", 1)))[0]["host"] for _ in range(3)]
    assert hosts == ["10.0.0.1", "10.0.0.1", "10.0.0.2"]
    await ask(("b", 1))
    await ask(("c", 1))
    assert cache.get(("a", 1)) is None
    assert cache.get(("c", 1)) is not None


async def test_an_old_answer_is_asked_for_again():
    cache = DNSCache(ttl=0.001, max_size=2)
    names = Names("10.0.0.1")
    await cache.resolve(("a", 1), lambda: names.resolve("a", 1))
    await until(lambda: cache.get(("a", 1)) is None)
    await cache.resolve(("a", 1), lambda: names.resolve("a", 1))
    assert len(names.asked) == 2


async def test_one_cancelled_caller_does_not_cancel_the_question():
    cache = DNSCache(ttl=None, max_size=2)
    names = Names("10.0.0.1")
    callers = [
        asyncio.create_task(cache.resolve(("a", 1), lambda: names.resolve("a", 1)))
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    callers[0].cancel()
    assert (await callers[1])[0]["host"] == "10.0.0.1"
    assert len(names.asked) == 1
