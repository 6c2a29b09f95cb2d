"""``ClientSession.ws_connect``: the opening handshake as a client, and what it refuses."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import (
    ClientConnectorError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from aiohttp_ws.pytest_plugin import AiohttpClient, AiohttpServer
from aiohttp_ws.test_utils import unused_port
from tests.ws.raw_end import PATIENCE, RawEnd, accept_raw

RawServer = Callable[..., Awaitable["Accepting"]]


class Accepting:
    """A raw server: its URL, and what came in."""

    def __init__(self) -> None:
        self.url = ""
        self.peers: asyncio.Queue[RawEnd] = asyncio.Queue()
        self.requests: list[dict[str, str]] = []


@pytest.fixture
async def raw_server() -> AsyncIterator[RawServer]:
    """``await raw_server(**kwargs)`` accepts connections as :func:`accept_raw` does."""
    servers: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(**kwargs: Any) -> Accepting:
        accepting = Accepting()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            peer, request = await accept_raw(reader, writer, **kwargs)
            accepting.requests.append(request)
            accepting.peers.put_nowait(peer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        servers.append(server)
        accepting.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return accepting

    yield start
    for writer in writers:
        writer.transport.abort()
    for server in servers:
        server.close()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Keeps its WebSockets to the end of the test: a forgotten one is closed, with a warning."""
    kept: list[ClientWebSocketResponse] = []

    class Kept(ClientWebSocketResponse):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            kept.append(self)

    async with ClientSession(ws_response_class=Kept) as session:
        yield session


# ------------------------------------------------------------------- what is sent


async def test_request_is_that_of_rfc_6455(session: ClientSession, raw_server: RawServer) -> None:
    accepting = await raw_server()
    await session.ws_connect(accepting.url)
    request = accepting.requests[0]
    assert request["upgrade"].lower() == "websocket"
    assert request["connection"].lower() == "upgrade"
    assert request["sec-websocket-version"] == "13"
    assert len(request["sec-websocket-key"]) == 24
    for absent in ("origin", "sec-websocket-protocol", "sec-websocket-extensions"):
        assert absent not in request


async def test_every_connection_has_a_new_key(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server()
    for _ in range(3):
        await session.ws_connect(accepting.url)
    assert len({request["sec-websocket-key"] for request in accepting.requests}) == 3


async def test_headers_origin_and_subprotocols_are_sent(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server(headers=[("Sec-WebSocket-Protocol", "b")])
    ws = await session.ws_connect(
        accepting.url, headers={"X-Token": "t"}, origin="http://o.example", protocols=("a", "b")
    )
    request = accepting.requests[0]
    assert (request["x-token"], request["origin"]) == ("t", "http://o.example")
    assert request["sec-websocket-protocol"].replace(" ", "") == "a,b"
    assert ws.protocol == "b"


async def test_query_parameters_and_the_sessions_headers_and_cookies_are_sent(
    aiohttp_server: AiohttpServer,
) -> None:
    seen: dict[str, Any] = {}

    async def handler(request: web.Request) -> web.WebSocketResponse:
        seen.update(query=dict(request.query), headers=request.headers, cookies=request.cookies)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    url = (await aiohttp_server(app)).make_url("/")
    async with (
        ClientSession(headers={"X-Session": "s"}, cookies={"c": "1"}) as session,
        session.ws_connect(url, params={"q": "\N{EURO SIGN}"}),
    ):
        pass
    assert seen["query"] == {"q": "\N{EURO SIGN}"}
    assert seen["headers"]["X-Session"] == "s"
    assert seen["cookies"] == {"c": "1"}


async def test_redirect_is_followed(aiohttp_client: AiohttpClient) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/ws")

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("here")
        return ws

    app = web.Application()
    app.router.add_get("/", elsewhere)
    app.router.add_get("/ws", handler)
    client = await aiohttp_client(app)
    async with client.ws_connect("/") as ws:
        assert await ws.receive_str() == "here"


# --------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "200 OK", "headers": [("Content-Length", "0")]},
        {"status": "404 Not Found", "headers": [("Content-Length", "0")]},
        {"status": "503 Service Unavailable", "headers": [("Content-Length", "0")]},
        {"replace": {"Upgrade": "h2c"}},
        {"replace": {"Upgrade": None}},
        {"replace": {"Connection": "close"}},
        {"replace": {"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}},
        {"replace": {"Sec-WebSocket-Accept": None}},
        {"headers": [("Sec-WebSocket-Protocol", "nobody-offered-this")]},
        {"headers": [("Sec-WebSocket-Extensions", "permessage-deflate")]},
        {"headers": [("Sec-WebSocket-Extensions", "x-unknown")]},
    ],
    ids=str,
)
async def test_answer_that_opens_no_websocket_is_a_handshake_error(
    session: ClientSession, raw_server: RawServer, answer: dict[str, Any]
) -> None:
    accepting = await raw_server(**answer)
    with pytest.raises(WSServerHandshakeError) as caught:
        await session.ws_connect(accepting.url)
    assert caught.value.status == int(answer.get("status", "101").split()[0])
    assert caught.value.message
    assert caught.value.headers is not None
    assert str(caught.value.request_info.real_url).endswith(accepting.url[2:])


async def test_handshake_error_has_the_servers_headers(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "120"})

    app = web.Application()
    app.router.add_get("/", handler)
    client = await aiohttp_client(app)
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect("/")
    assert caught.value.status == 429
    assert caught.value.headers is not None
    assert caught.value.headers["Retry-After"] == "120"
    # The refusal did no harm to the session.
    with pytest.raises(WSServerHandshakeError):
        await client.ws_connect("/")


async def test_nobody_listening_is_a_connector_error(session: ClientSession) -> None:
    with pytest.raises(ClientConnectorError):
        await session.ws_connect(f"ws://127.0.0.1:{unused_port()}/")


@pytest.mark.parametrize("wrong", [-1, "many"])
@pytest.mark.parametrize(
    "name", ["max_msg_size", "max_queue", "heartbeat", "receive_timeout", "timeout"]
)
@pytest.mark.filterwarnings("ignore:.* is deprecated, pass timeout=:DeprecationWarning")
async def test_numbers_that_make_no_sense_are_refused_before_anything_is_sent(
    session: ClientSession, name: str, wrong: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{name}={wrong!r} "):
        await session.ws_connect("http://127.0.0.1:1/", **{name: wrong})


@pytest.mark.parametrize("compress", [1, 7, 16, -1])
async def test_window_bits_that_do_not_exist_are_refused(
    session: ClientSession, raw_server: RawServer, compress: int
) -> None:
    with pytest.raises(ValueError, match=str(compress)):
        await session.ws_connect((await raw_server()).url, compress=compress)


# ------------------------------------------------------------------ what is agreed


async def test_compression_is_agreed_on(session: ClientSession, raw_server: RawServer) -> None:
    deflate = ("Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover")
    accepting = await raw_server(headers=[deflate])
    ws = await session.ws_connect(accepting.url, compress=15)
    assert accepting.requests[0]["sec-websocket-extensions"].startswith("permessage-deflate")
    assert ws.compress == 15
    assert ws.client_notakeover is True


async def test_server_may_decline_compression(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server()
    ws = await session.ws_connect(accepting.url, compress=15)
    assert ws.compress == 0
    assert ws.client_notakeover is False
    await ws.send_str("plain " * 100)
    peer = await accepting.peers.get()
    assert (await peer.receive()).payload == b"plain " * 100


async def test_extra_info_is_that_of_the_transport(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server()
    ws = await session.ws_connect(accepting.url)
    host, port = ws.get_extra_info("peername")
    assert accepting.url == f"ws://{host}:{port}/"
    assert ws.get_extra_info("unknown") is None
    assert ws.get_extra_info("unknown", 5) == 5


# -------------------------------------------------------------------- how it ends


async def test_context_manager_closes_with_1000(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server()

    async def answer() -> tuple[int | None, str]:
        peer = await accepting.peers.get()
        told = await peer.receive_close()
        peer.send_close(1000)
        peer.end()
        return told

    answering = asyncio.create_task(answer())
    async with session.ws_connect(accepting.url) as ws:
        assert not ws.closed
    assert ws.closed
    assert await answering == (1000, "")


async def test_session_that_closes_drops_its_connections(raw_server: RawServer) -> None:
    accepting = await raw_server()
    async with ClientSession() as session:
        ws = await session.ws_connect(accepting.url)
        peer = await accepting.peers.get()
        receiving = asyncio.create_task(ws.receive())
        await asyncio.sleep(0)
    await peer.wait_eof()
    assert (await receiving).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
    assert ws.closed
    assert ws.close_code == 1006


async def test_timeouts_are_those_of_client_ws_timeout(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server()
    timeout = ClientWSTimeout(ws_receive=0.01, ws_close=0.01)
    ws = await session.ws_connect(accepting.url, timeout=timeout)
    with pytest.raises(asyncio.TimeoutError):
        await ws.receive()
    await asyncio.wait_for(ws.close(), PATIENCE)
    assert ws.close_code == 1006
    with pytest.raises(asyncio.TimeoutError):
        raise ws.exception()


async def test_connection_of_a_websocket_is_not_used_again(aiohttp_client: AiohttpClient) -> None:
    addresses: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        addresses.append(request.transport.get_extra_info("peername"))  # type: ignore[union-attr]
        ws = web.WebSocketResponse()
        if not ws.can_prepare(request):
            return web.Response()
        await ws.prepare(request)
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        await response.read()
    async with client.ws_connect("/") as ws:
        await ws.receive()
    async with client.get("/") as response:
        await response.read()
    assert addresses[0] == addresses[1] != addresses[2]


async def test_closed_connection_leaves_nothing_behind(
    session: ClientSession, raw_server: RawServer
) -> None:
    accepting = await raw_server()
    ws = await session.ws_connect(accepting.url)
    peer = await accepting.peers.get()
    peer.send_close(1000)
    peer.end()
    await ws.receive()
    await ws.close()
    assert ws.closed
    del ws
    gc.collect()  # An unclosed transport would warn here, and warnings are errors.


async def test_one_string_is_no_list_of_subprotocols() -> None:
    async with ClientSession() as session:
        with pytest.raises(TypeError, match="protocols"):
            await session.ws_connect("ws://127.0.0.1:1/", protocols="chat")
