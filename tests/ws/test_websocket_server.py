"""``web.WebSocketResponse``: the opening handshake, its states, and how handlers end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp_ws import WSMsgType, web
from aiohttp_ws.pytest_plugin import AiohttpClient, AiohttpServer
from aiohttp_ws.test_utils import TestServer, make_mocked_request
from tests.ws.raw_end import PATIENCE, TEXT, RawEnd, Refused, frame, open_raw

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Connect = Callable[..., Awaitable[tuple[RawEnd, dict[str, str]]]]
Serve = Callable[[Handler], Awaitable[TestServer]]

UPGRADE = {
    "Host": "localhost",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def serve(aiohttp_server: AiohttpServer) -> Serve:
    async def serve_handler(handler: Handler, **options: Any) -> TestServer:
        app = web.Application()
        app.router.add_get("/", handler)
        return await aiohttp_server(app, **options)

    return serve_handler


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """``await connect(server)`` gives a raw client and the answer's headers."""
    peers: list[RawEnd] = []

    async def open_peer(server: TestServer, **kwargs: Any) -> tuple[RawEnd, dict[str, str]]:
        assert server.port is not None
        peer, answer = await open_raw(server.host, server.port, **kwargs)
        peers.append(peer)
        return peer, answer

    yield open_peer
    # Before the server closes, which would wait for their part of the closing handshake.
    for peer in peers:
        peer.writer.transport.abort()


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


# ---------------------------------------------------------------- before prepare


@pytest.mark.parametrize(
    "use",
    [
        lambda ws: ws.send_str("x"),
        lambda ws: ws.send_bytes(b"x"),
        lambda ws: ws.send_json({}),
        lambda ws: ws.send_json_bytes({}, dumps=lambda value: b"{}"),
        lambda ws: ws.send_frame(b"x", WSMsgType.TEXT),
        lambda ws: ws.ping(),
        lambda ws: ws.pong(),
        lambda ws: ws.receive(),
        lambda ws: ws.receive_str(),
        lambda ws: ws.receive_bytes(),
        lambda ws: ws.receive_json(),
        lambda ws: ws.close(),
        lambda ws: ws.write(b"x"),
        lambda ws: ws.__anext__(),
    ],
)
async def test_before_prepare_it_cannot_be_used(use: Callable[[Any], Awaitable[Any]]) -> None:
    with pytest.raises(RuntimeError):
        await use(web.WebSocketResponse())


async def test_before_prepare_it_is_neither_open_nor_closed() -> None:
    ws = web.WebSocketResponse()
    assert not ws.prepared
    assert not ws.closed
    assert ws.close_code is None
    assert ws.ws_protocol is None
    assert ws.exception() is None
    assert ws.get_extra_info("peername", "unknown") == "unknown"
    assert ws.status == 101


async def test_can_prepare_tells_a_websocket_request_from_another() -> None:
    ws = web.WebSocketResponse(protocols=("chat", "echo"))
    assert not ws.can_prepare(make_mocked_request("GET", "/"))
    ready = ws.can_prepare(make_mocked_request("GET", "/", UPGRADE))
    assert ready
    assert (ready.ok, ready.protocol) == (True, None)
    offer = UPGRADE | {"Sec-WebSocket-Protocol": "other, echo"}
    assert ws.can_prepare(make_mocked_request("GET", "/", offer)) == (True, "echo")
    assert not ws.prepared


async def test_can_prepare_after_prepare_is_an_error(serve: Serve, connect: Connect) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        with pytest.raises(RuntimeError, match="Already started"):
            ws.can_prepare(request)
        await ws.send_str("checked")
        return ws

    peer, _ = await connect(await serve(handler))
    assert (await peer.receive()).payload == b"checked"


async def test_prepare_twice_answers_once(serve: Serve, connect: Connect) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        first = await ws.prepare(request)
        assert await ws.prepare(request) is first
        assert ws.prepared
        await ws.send_str("once")
        return ws

    peer, _ = await connect(await serve(handler))
    assert (await peer.receive()).payload == b"once"


# ---------------------------------------------------------- the opening handshake


async def test_answer_is_that_of_rfc_6455(serve: Serve, connect: Connect) -> None:
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    _, answer = await connect(await serve(echo), replace=key)
    # RFC 6455 1.3: the example's key and its answer.
    assert answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert answer["upgrade"].lower() == "websocket"
    assert answer["connection"].lower() == "upgrade"
    assert "content-length" not in answer
    assert "transfer-encoding" not in answer
    assert "sec-websocket-protocol" not in answer
    assert "sec-websocket-extensions" not in answer


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Upgrade": None}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "not base64 at all!!!!!=="}, 400),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
    ],
    ids=str,
)
async def test_bad_opening_handshake_is_refused(
    serve: Serve, connect: Connect, change: dict[str, str | None], status: int
) -> None:
    server = await serve(echo)
    with pytest.raises(Refused) as refused:
        await connect(server, replace=change)
    assert refused.value.status == status
    assert refused.value.body
    if "Sec-WebSocket-Version" in change:
        # RFC 6455 4.4: what we do speak.
        assert refused.value.headers["sec-websocket-version"] == "13"
    peer, _ = await connect(server)
    peer.send(TEXT, b"the next one is welcome")
    assert (await peer.receive()).payload == b"the next one is welcome"


async def test_plain_request_to_a_websocket_is_refused_and_keeps_its_connection(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    app.router.add_get("/", echo)
    client = await aiohttp_client(app)
    for _ in range(2):
        async with client.get("/") as response:
            assert response.status == 400


async def test_first_offered_subprotocol_that_is_spoken_is_agreed_on(
    serve: Serve, connect: Connect
) -> None:
    agreed: list[str | None] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=("chat.v1", "chat.v2"))
        await ws.prepare(request)
        agreed.append(ws.ws_protocol)
        return ws

    server = await serve(handler)
    offers = {"chat.v2, chat.v1": "chat.v2", "other, chat.v1": "chat.v1", "other": None}
    for offer, expected in offers.items():
        _, answer = await connect(server, headers=[("Sec-WebSocket-Protocol", offer)])
        assert answer.get("sec-websocket-protocol") == expected
        assert agreed.pop() == expected


async def test_compression_is_agreed_on_when_offered_and_wanted(
    serve: Serve, connect: Connect
) -> None:
    compress: list[object] = []
    wanted = True

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=wanted)
        await ws.prepare(request)
        compress.append(ws.compress)
        return ws

    server = await serve(handler)
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
    _, answer = await connect(server, headers=offer)
    assert answer["sec-websocket-extensions"].startswith("permessage-deflate")
    assert compress.pop()
    _, answer = await connect(server)
    assert "sec-websocket-extensions" not in answer
    assert not compress.pop()
    wanted = False
    _, answer = await connect(server, headers=offer)
    assert "sec-websocket-extensions" not in answer
    assert not compress.pop()


async def test_frames_that_come_before_prepare_are_not_lost(serve: Serve, connect: Connect) -> None:
    go_on = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return await echo(request)

    server = await serve(handler)
    opening = asyncio.create_task(connect(server, send=frame(TEXT, b"early", mask=True)))
    await asyncio.sleep(0)
    go_on.set()
    peer, _ = await opening
    peer.send(TEXT, b"bird")
    assert [(await peer.receive()).payload for _ in range(2)] == [b"early", b"bird"]


async def test_headers_cookies_and_signals_of_a_response(
    aiohttp_server: AiohttpServer, connect: Connect
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        ws.headers["X-Handler"] = "handler"
        ws.set_cookie("a", "1")
        await ws.prepare(request)
        return ws

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Signal"] = "signal"

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_response_prepare.append(sign)
    _, answer = await connect(await aiohttp_server(app))
    assert (answer["x-handler"], answer["x-signal"]) == ("handler", "signal")
    assert answer["set-cookie"] == "a=1; Path=/"


async def test_extra_info_is_that_of_the_transport(serve: Serve, connect: Connect) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        peername = request.transport.get_extra_info("peername")  # type: ignore[union-attr]
        assert ws.get_extra_info("peername") == peername
        assert ws.get_extra_info("unknown") is None
        assert ws.get_extra_info("unknown", 5) == 5
        await ws.send_str("checked")
        return ws

    peer, _ = await connect(await serve(handler))
    assert (await peer.receive()).payload == b"checked"


async def test_it_has_no_body_to_write(serve: Serve, connect: Connect) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        with pytest.raises(RuntimeError, match="write"):
            await ws.write(b"body")
        await ws.send_str("checked")
        return ws

    peer, _ = await connect(await serve(handler))
    assert (await peer.receive()).payload == b"checked"


async def test_it_holds_values_like_any_response() -> None:
    ws = web.WebSocketResponse()
    user = web.ResponseKey("user", str)
    ws[user] = "somebody"
    assert ws[user] == "somebody"
    assert {ws: 1}[ws] == 1


# ------------------------------------------------------------ how handlers end


async def test_exception_before_prepare_is_a_500(serve: Serve, connect: Connect) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        raise ValueError("a secret of the server")

    with pytest.raises(Refused) as refused:
        await connect(await serve(handler))
    assert refused.value.status == 500
    assert b"secret" not in refused.value.body


async def test_http_exception_before_prepare_is_the_answer(serve: Serve, connect: Connect) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        raise web.HTTPForbidden

    with pytest.raises(Refused) as refused:
        await connect(await serve(handler))
    assert refused.value.status == 403


async def test_one_handler_that_fails_leaves_the_others_alone(
    serve: Serve, connect: Connect
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.data == "fail":
                raise ValueError("on demand")
            await ws.send_str(message.data)
        return ws

    server = await serve(handler)
    good, _ = await connect(server)
    bad, _ = await connect(server)
    bad.send(TEXT, b"fail")
    assert (await bad.receive_close())[0] == 1011
    good.send(TEXT, b"still here")
    assert (await good.receive()).payload == b"still here"


async def test_handlers_ws_may_outlive_it_in_no_way(serve: Serve, connect: Connect) -> None:
    held: list[web.WebSocketResponse] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        held.append(ws)
        await ws.prepare(request)
        return ws

    peer, _ = await connect(await serve(handler))
    await peer.receive_close()
    peer.send_close(1000)
    await peer.wait_eof()
    assert held[0].closed
    with pytest.raises(ConnectionResetError):
        await held[0].send_str("late")


# ---------------------------------------------------------------------- shutdown


async def test_shutdown_closes_with_1001_while_the_handler_sleeps(
    serve: Serve, connect: Connect
) -> None:
    woken = asyncio.Event()
    opened = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        opened.set()
        await woken.wait()
        return ws

    server = await serve(handler)
    peer, _ = await connect(server)
    await asyncio.wait_for(opened.wait(), PATIENCE)
    closing = asyncio.create_task(server.close())
    assert (await peer.receive_close())[0] == 1001
    peer.send_close(1001)
    woken.set()
    await asyncio.wait_for(closing, PATIENCE)
    await peer.wait_eof()


async def test_shutdown_ends_a_handler_that_receives(serve: Serve, connect: Connect) -> None:
    told: list[Any] = []
    opened = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        opened.set()
        told.append((await ws.receive()).type)
        return ws

    server = await serve(handler)
    peer, _ = await connect(server)
    await asyncio.wait_for(opened.wait(), PATIENCE)
    closing = asyncio.create_task(server.close())
    assert (await peer.receive_close())[0] == 1001
    peer.send_close(1001)
    await asyncio.wait_for(closing, PATIENCE)
    assert told[0] in (WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.CLOSE)


@pytest.mark.parametrize("cut", ["abort", "close"])
async def test_a_connection_that_the_handler_cuts_does_not_end_in_order(
    serve: Serve, connect: Connect, cut: str
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        assert request.transport is not None
        getattr(request.transport, cut)()
        return ws

    peer, _ = await connect(await serve(handler))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await peer.receive()


# ------------------------------------------------------------------- constructor


@pytest.mark.parametrize(
    "name",
    ["max_msg_size", "max_queue", "writer_limit", "heartbeat", "receive_timeout", "timeout"],
)
def test_numbers_that_make_no_sense_are_refused_at_once(name: str) -> None:
    negative: dict[str, Any] = {name: -1}
    with pytest.raises(ValueError, match=f"{name}=-1 is negative"):
        web.WebSocketResponse(**negative)
    no_number: dict[str, Any] = {name: "many"}
    with pytest.raises(TypeError, match=f"{name}='many' must be"):
        web.WebSocketResponse(**no_number)


def test_bad_arguments_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="protocols"):
        web.WebSocketResponse(protocols="chat")
