"""nginx in front of our server, as a reverse proxy and for WebSockets, and as an origin."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import aiohttp_ws
from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpServer
from tests.interop.nginx_peer import nginx
from tests.interop.talk import soon
from tests.peers import import_peer

pytestmark = pytest.mark.peer("nginx")

MIB = 1024 * 1024
PLACES = """
location / {{
    proxy_pass http://application;
    proxy_http_version 1.1;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Host $http_host;
    proxy_set_header Forwarded "for=$remote_addr;proto=$scheme";
    client_max_body_size 16m;
}}
location /unbuffered/ {{
    proxy_pass http://application/;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    proxy_request_buffering off;
}}
location /old/ {{
    proxy_pass http://application/;
}}
"""


# --------------------------------------------------------------- in front of our server


async def echo(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    if request.content_length is not None:
        response.content_length = request.content_length
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece)
    return response


async def told(request: web.Request) -> web.Response:
    (forwarded,) = request.forwarded or ({},)
    return web.json_response(
        {
            "forwarded": dict(forwarded),
            "host": request.host,
            "version": list(request.version),
            "peer": request.transport.get_extra_info("peername")[1],
        }
    )


async def news(request: web.Request) -> web.StreamResponse:
    """Send the second line when the client has got the first."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"first\n")
    await request.app[GOT_FIRST].wait()
    await response.write(b"second\n")
    return response


async def websocket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(protocols=["chat"])
    await ws.prepare(request)
    async for message in ws:
        if message.data == "bye":
            await ws.close(code=4000, message=b"see you")
        elif message.type is web.WSMsgType.TEXT:
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)
    return ws


GOT_FIRST = web.AppKey("GOT_FIRST", asyncio.Event)


@pytest.fixture
async def proxied(
    peer: Callable[[str], str], tmp_path: Path, aiohttp_server: AiohttpServer
) -> AsyncIterator[str]:
    """The URL of nginx in front of an application of ours."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "numbers.txt").write_bytes(b"0123456789" * 100)
    app = web.Application(client_max_size=16 * MIB)
    app[GOT_FIRST] = asyncio.Event()
    app.add_routes(
        [
            web.post("/echo", echo),
            web.get("/told", told),
            web.get("/news", news),
            web.get("/ws", websocket),
            web.static("/files", files),
        ]
    )
    server = await aiohttp_server(app)
    upstream = f"upstream application {{ server {server.host}:{server.port}; keepalive 4; }}"
    with nginx(peer("nginx"), tmp_path, server=PLACES.format(), http=upstream) as url:
        yield url
        app[GOT_FIRST].set()


@pytest.fixture(params=["aiohttp_ws", "aiohttp"])
async def client(request: pytest.FixtureRequest, proxied: str) -> AsyncIterator[object]:
    library: ModuleType = aiohttp_ws
    if request.param == "aiohttp":
        library = import_peer("aiohttp")
    async with library.ClientSession(proxied) as session:
        yield session


@pytest.mark.parametrize("place", ["", "/unbuffered"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_pass_in_both_directions(client, place: str, chunked: bool) -> None:
    body = hashlib.sha256(b"x").digest() * 30_000

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    for _ in range(2):
        data = pieces() if chunked else body
        async with client.post(f"{place}/echo", data=data) as response:
            assert response.status == 200
            assert await response.read() == body


async def test_connections_to_the_application_are_reused(client) -> None:
    peers = set()
    for _ in range(3):
        async with client.get("/told") as response:
            answer = await response.json()
            peers.add(answer.pop("peer"))
    host = f"{client._base_url.host}:{client._base_url.port}"
    assert answer == {
        "forwarded": {"for": "127.0.0.1", "proto": "http"},
        "host": host,
        "version": [1, 1],
    }
    assert len(peers) == 1


async def test_a_streamed_answer_arrives_as_it_is_written(client, proxied: str) -> None:
    async with client.get("/unbuffered/news") as response:
        assert await soon(response.content.readline()) == b"first\n"
    # Leaving the context closes the connection, and nginx that to the application.


async def test_http_1_0_ends_the_answer_with_the_connection(client) -> None:
    async with client.get("/old/told") as response:
        assert (await response.json())["version"] == [1, 0]
    async with client.post("/old/echo", data=b"hello") as response:
        assert await response.read() == b"hello"


async def test_ranges_and_validators_pass(client) -> None:
    async with client.get("/files/numbers.txt", headers={"Range": "bytes=5-14"}) as response:
        assert (response.status, await response.read()) == (206, b"5678901234")
        etag = response.headers["ETag"]
    async with client.get("/files/numbers.txt", headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with client.head("/files/numbers.txt") as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "1000")
    async with client.get("/files/none") as response:
        assert response.status == 404


@pytest.mark.parametrize("compress", [0, 15])
async def test_websockets_pass(client, compress: int) -> None:
    big = b"\0\1\2\3" * (MIB // 4)
    async with client.ws_connect("/ws", protocols=["chat"], compress=compress) as ws:
        assert ws.protocol == "chat"
        await ws.send_str("hello")
        assert await ws.receive_str() == "hello"
        await ws.send_bytes(big)
        assert await ws.receive_bytes() == big
        await ws.send_str("bye")
        message = await soon(ws.receive())
        assert (message.data, message.extra) == (4000, "see you")
    assert ws.close_code == 4000


# ------------------------------------------------------------------------ as an origin


ORIGIN = """
root {files};
gzip on;
gzip_min_length 1;
gzip_types text/plain;
keepalive_requests 2;
location = /nothing {{ return 204; }}
location = /away {{ return 302 /a.txt; }}
location /listing/ {{ autoindex on; }}
location = /small {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:1; }}
"""


@pytest.fixture
def origin(peer: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    files = tmp_path / "files"
    (files / "listing").mkdir(parents=True)
    (files / "a.txt").write_bytes(b"text " * 1000)
    (files / "big.bin").write_bytes(hashlib.sha256(b"y").digest() * (MIB // 8))
    (files / "listing" / "one.txt").write_bytes(b"1")
    with nginx(peer("nginx"), tmp_path, server=ORIGIN.format(files=files)) as url:
        yield url


async def test_files_of_nginx_are_read(origin: str) -> None:
    async with aiohttp_ws.ClientSession(origin) as session:
        async with session.get("/big.bin") as response:
            assert await response.read() == hashlib.sha256(b"y").digest() * (MIB // 8)
            assert response.headers["Server"].startswith("nginx")
        async with session.get("/a.txt", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert await response.text() == "text " * 1000
        async with session.get("/big.bin", headers={"Range": "bytes=32-35"}) as response:
            assert (response.status, await response.read()) == (
                206,
                hashlib.sha256(b"y").digest()[:4],
            )
        async with session.get("/listing/") as response:
            assert re.search('href="one.txt"', await response.text())
        async with session.get("/listing") as response:
            assert [each.status for each in response.history] == [301]
        async with session.get("/away") as response:
            assert (response.url.path, response.status) == ("/a.txt", 200)
        async with session.get("/nothing") as response:
            assert (response.status, await response.read()) == (204, b"")
        async with session.get("/none") as response:
            assert response.status == 404


async def test_a_compressed_body_can_be_had_as_it_came(origin: str) -> None:
    async with (
        aiohttp_ws.ClientSession(origin, auto_decompress=False) as session,
        session.get("/a.txt", headers={"Accept-Encoding": "gzip"}) as response,
    ):
        assert gzip.decompress(await response.read()) == b"text " * 1000


async def test_connections_that_nginx_closes_after_some_requests_cost_nothing(origin: str) -> None:
    async with aiohttp_ws.ClientSession(origin) as session:
        for _ in range(7):
            async with session.get("/a.txt") as response:
                assert response.status == 200
                await response.read()
        statuses = await asyncio.gather(*(status_of(session, "/a.txt") for _ in range(20)))
    assert statuses == [200] * 20


async def status_of(session: aiohttp_ws.ClientSession, path: str) -> int:
    async with session.get(path) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize("expect100", [False, True])
async def test_an_upload_that_nginx_refuses_is_answered(origin: str, expect100: bool) -> None:
    async with (
        aiohttp_ws.ClientSession(origin) as session,
        session.post("/small", data=b"x" * MIB, expect100=expect100) as response,
    ):
        assert response.status == 413
        assert "413 Request Entity Too Large" in await response.text()
