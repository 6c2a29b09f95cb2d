"""How connect() is entered, and what it refuses before anything is dialled."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from aiohttp_ws.websockets import InvalidProxy, connect, serve, unix_connect
from tests.net.proxies import HTTPProxy

from .ends import echo, url_of


async def test_a_connect_that_is_entered_cannot_be_entered_again():
    async with serve(echo, "127.0.0.1", 0) as server:
        connecting = connect(url_of(server))
        async with connecting as websocket:
            with pytest.raises(RuntimeError, match=r"not reentrant.*call connect\(\) again"):
                await connecting.__aenter__()
            await websocket.send("still there")
            assert await websocket.recv() == "still there"
        async with connecting as websocket:
            await websocket.send("again")
            assert await websocket.recv() == "again"


async def test_a_connect_that_is_being_entered_cannot_be_entered_again():
    async with serve(echo, "127.0.0.1", 0) as server:
        connecting = connect(url_of(server))
        first = asyncio.ensure_future(connecting.__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="not reentrant"):
            await connecting.__aenter__()
        await first
        await connecting.__aexit__(None, None, None)


async def test_a_connect_that_could_not_be_entered_may_be_entered_again(unused_tcp_port: int):
    connecting = connect(f"ws://127.0.0.1:{unused_tcp_port}", proxy=None)
    for _ in range(2):
        with pytest.raises(OSError, match="Connect"):
            await connecting.__aenter__()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets")
def test_a_unix_client_needs_a_path_or_a_socket():
    with pytest.raises(ValueError, match=r"needs path or sock=, not neither"):
        unix_connect()
    with pytest.raises(ValueError, match=r"needs path or sock=, not neither"):
        unix_connect(None, "ws://localhost/")
    with (
        socket.socket(socket.AF_UNIX) as sock,
        pytest.raises(ValueError, match=r"needs path or sock=, not both"),
    ):
        unix_connect("/nowhere", sock=sock)


CONTEXT = ssl.create_default_context()
NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proxy": f"http://{NOBODY}", "proxy_ssl": CONTEXT}, "proxy_ssl= .* http:// has no TLS"),
        ({"proxy": f"http://{NOBODY}", "proxy_ssl": True}, "proxy_ssl= .* http:// has no TLS"),
        ({"proxy": f"socks5://{NOBODY}", "proxy_ssl": CONTEXT}, "socks5:// has no TLS"),
        ({"proxy": None, "proxy_ssl": CONTEXT}, "proxy_ssl= is for an https:// proxy; there is no"),
        (
            {"proxy": f"http://{NOBODY}", "proxy_server_hostname": "h"},
            "proxy_server_hostname= is for an https:// proxy",
        ),
        ({"proxy": f"https://{NOBODY}", "proxy_ssl": None}, "proxy_ssl=None is incompatible"),
        ({"proxy": f"https://{NOBODY}", "proxy_ssl": False}, "proxy_ssl=False is incompatible"),
        ({"ssl": CONTEXT}, "ssl argument is incompatible with a ws:// URI"),
        ({"proxy": f"http://{NOBODY}", "path": "/socket"}, "path= and proxy= exclude"),
    ],
)
async def test_tls_that_contradicts_the_proxy_or_the_uri_is_refused(
    options: dict[str, Any], message: str
):
    with pytest.raises(ValueError, match=message):
        await connect(f"ws://{NOBODY}", **options)


async def test_tls_to_a_proxy_means_nothing_where_the_system_names_none(
    monkeypatch: pytest.MonkeyPatch,
):
    for name in ("ws_proxy", "socks_proxy", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        connect(url_of(server), proxy_ssl=CONTEXT) as websocket,
    ):
        await websocket.send("hello")
        assert await websocket.recv() == "hello"


@pytest.mark.parametrize("proxy", ["ftp://h", "h:80", "", "http://h:70000", "socks5://h#x"])
async def test_what_is_not_the_url_of_a_proxy_is_refused(proxy: str):
    with pytest.raises(InvalidProxy):
        await connect(f"ws://{NOBODY}", proxy=proxy)


@pytest.mark.parametrize("agent", [None, "mine/1"])
async def test_a_proxy_is_told_the_user_agent(agent: str | None):
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        HTTPProxy() as proxy,
        connect(url_of(server), proxy=proxy.url, user_agent_header=agent),
    ):
        assert (b"User-Agent: mine/1\r\n" in proxy.head) is (agent is not None)
