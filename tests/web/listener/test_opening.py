"""``web.WebSocketListenerResponse``: frame listeners among the handlers of an application."""

import asyncio
import logging
import ssl
from typing import Any

import pytest
import trustme

import aiohttp_ws
from aiohttp_ws import web
from aiohttp_ws.pytest_plugin import AiohttpClient, AiohttpServer
from tests.peers import import_peer
from tests.web.listener.echo import HANDSHAKE, Connect, Echo, Handler, Serve, answering, within
from tests.ws.raw_end import TEXT, Refused, frame, open_raw

aiohttp = import_peer("aiohttp")
picows = import_peer("picows")
websockets = import_peer("websockets")


# ------------------------------------------------------------ the way in


async def test_a_handler_answers_with_a_listener(aiohttp_client: AiohttpClient) -> None:
    listener = Echo("welcome")
    app = web.Application()
    app.router.add_get("/frames", answering(listener))
    client = await aiohttp_client(app)
    async with client.ws_connect("/frames") as ws:
        assert await ws.receive_str() == "welcome"
        await ws.send_str("hi")
        assert await ws.receive_str() == "hi"
        await ws.send_bytes(b"\x00\xff")
        assert await ws.receive_bytes() == b"\x00\xff"
    await within(listener.gone.wait())
    assert listener.events[0] == "connected"
    assert listener.events[-1] == "disconnected"
    assert listener.events.count("disconnected") == 1


async def test_one_server_carries_messages_frames_and_requests(
    aiohttp_client: AiohttpClient,
) -> None:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data.upper())
        return ws

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="page")

    app = web.Application()
    app.router.add_get("/frames", answering(Echo()))
    app.router.add_get("/chat", chat)
    app.router.add_get("/", page)
    client = await aiohttp_client(app)
    async with client.ws_connect("/frames") as frames, client.ws_connect("/chat") as messages:
        for text in ("one", "two"):
            await frames.send_str(text)
            await messages.send_str(text)
            assert await frames.receive_str() == text
            assert await messages.receive_str() == text.upper()
        async with client.get("/") as response:
            assert await response.text() == "page"


async def test_the_answer_leaves_together_with_what_on_ws_connected_sends(serve: Serve) -> None:
    server = await serve(answering(Echo("first")))
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(HANDSHAKE)
    # One write arrives in one piece, as long as it is small.
    piece = await within(reader.read(65536))
    assert piece.startswith(b"HTTP/1.1 101 ")
    assert piece.endswith(b"\r\n\r\n" + frame(TEXT, b"first"))
    writer.transport.abort()


async def test_frames_that_come_with_the_request_are_delivered(
    serve: Serve, connect: Connect
) -> None:
    listener = Echo("first")
    server = await serve(answering(listener))
    early = frame(TEXT, b"early", mask=True) + frame(TEXT, b"bird", mask=True)[:5]
    peer, _ = await connect(server, send=early)
    assert (await peer.receive()).payload == b"first"
    assert (await peer.receive()).payload == b"early"
    assert listener.frames == [(TEXT, b"early")]


async def test_an_upgrade_behind_a_pipelined_request_is_answered_in_order(serve: Serve) -> None:
    async def either(request: web.Request) -> web.StreamResponse:
        if "Upgrade" in request.headers:
            return web.WebSocketListenerResponse(Echo("first"))
        return web.Response(text="page")

    server = await serve(either)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + HANDSHAKE + frame(TEXT, b"early", mask=True)
    )
    page = await within(reader.readuntil(b"\r\n\r\npage"))
    assert page.startswith(b"HTTP/1.1 200 ")
    assert (await within(reader.readuntil(b"\r\n\r\n"))).startswith(b"HTTP/1.1 101 ")
    assert await within(reader.readexactly(7)) == frame(TEXT, b"first")
    assert await within(reader.readexactly(7)) == frame(TEXT, b"early")
    writer.transport.abort()


async def test_the_listener_sees_the_request_and_the_response(
    serve: Serve, connect: Connect
) -> None:
    listener = Echo()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(listener, headers={"X-Server": "quotes"})
        response.set_cookie("seen", "yes")
        return response

    server = await serve(handler)
    headers = [("Cookie", "user=ann"), ("X-Twice", "1"), ("X-Twice", "2")]
    _, answer = await connect(server, path="/?room=1", headers=headers)
    request, response = listener.transport.request, listener.transport.response
    assert isinstance(request, aiohttp_ws.WSUpgradeRequest)
    assert (request.method, request.path, request.version) == (b"GET", b"/?room=1", b"HTTP/1.1")
    assert request.headers["cookie"] == "user=ann"
    assert request.headers.getall("X-Twice") == ["1", "2"]
    assert isinstance(response, aiohttp_ws.WSUpgradeResponse)
    assert response.status == 101
    assert response.headers["Set-Cookie"].startswith("seen=yes")
    assert {name.lower(): value for name, value in response.headers.items()} == answer
    assert answer["x-server"] == "quotes"


async def test_a_subprotocol_is_agreed_on(serve: Serve, connect: Connect) -> None:
    responses = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketListenerResponse(Echo(), protocols=["v1", "v2"])
        assert response.can_prepare(request) == (True, "v2")
        responses.append(response)
        return response

    server = await serve(handler)
    _, answer = await connect(server, headers=[("Sec-WebSocket-Protocol", "v3, v2, v1")])
    assert answer["sec-websocket-protocol"] == "v2"
    assert responses[0].ws_protocol == "v2"


async def test_a_subapplication_and_its_middlewares_serve_it(
    aiohttp_client: AiohttpClient,
) -> None:
    seen = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        seen.append(type(response))
        return response

    inner = web.Application(middlewares=[note])
    inner.router.add_get("/ticks", answering(Echo("tick")))
    app = web.Application()
    app.add_subapp("/feed/", inner)
    client = await aiohttp_client(app)
    async with client.ws_connect("/feed/ticks") as ws:
        assert await ws.receive_str() == "tick"
    assert seen == [web.WebSocketListenerResponse]


async def test_a_listener_serves_connections_over_tls(
    aiohttp_server: AiohttpServer,
) -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    listener = Echo("first")
    app = web.Application()
    app.router.add_get("/", answering(listener))
    server = await aiohttp_server(app, ssl=serving)
    early = frame(TEXT, b"early", mask=True)
    assert server.port is not None
    peer, _ = await open_raw(server.host, server.port, tls=trusting, send=early)
    assert (await peer.receive()).payload == b"first"
    assert (await peer.receive()).payload == b"early"
    assert listener.transport.is_secure
    peer.writer.transport.abort()
    await within(listener.gone.wait())


async def test_websockets_and_its_deflate_are_served(serve: Serve) -> None:
    listener = Echo()
    server = await serve(answering(listener, compression="deflate"))
    text = '{"bid": 1.25, "ask": 1.26}' * 100
    async with websockets.connect(
        str(server.make_url("/").with_scheme("ws")),
    ) as ws:
        assert ws.protocol.extensions[0].name == "permessage-deflate"
        for _ in range(2):
            await ws.send(text)
            assert await within(ws.recv()) == text
    assert listener.frames[:2] == [(TEXT, text.encode())] * 2
    assert "permessage-deflate" in listener.transport.response.headers["Sec-WebSocket-Extensions"]


async def test_deflate_is_left_alone_unless_asked_for(serve: Serve, connect: Connect) -> None:
    server = await serve(answering(Echo()))
    offer = ("Sec-WebSocket-Extensions", "permessage-deflate")
    _, answer = await connect(server, headers=[offer])
    assert "sec-websocket-extensions" not in answer


async def test_aiohttp_is_served(serve: Serve) -> None:
    server = await serve(answering(Echo("first"), compression="deflate"))
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(str(server.make_url("/")), compress=15) as ws:
            assert await ws.receive_str() == "first"
            await ws.send_str("hi" * 100)
            assert await ws.receive_str() == "hi" * 100
        assert ws.close_code == 1000


async def test_picows_is_served(serve: Serve) -> None:
    class Peer(picows.WSListener):  # type: ignore[misc]
        def on_ws_connected(self, transport: Any) -> None:
            transport.send(picows.WSMsgType.BINARY, b"ping")

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            received.append(frame.get_payload_as_bytes())
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()

    received: list[bytes] = []
    listener = Echo()
    server = await serve(answering(listener))
    transport, _ = await picows.ws_connect(Peer, str(server.make_url("/").with_scheme("ws")))
    await within(transport.wait_disconnected())
    assert received == [b"ping"]
    await within(listener.gone.wait())


# ----------------------------------------------- middlewares and signals


async def test_a_middleware_sees_and_changes_the_response(serve: Serve, connect: Connect) -> None:
    @web.middleware
    async def label(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        assert not response.prepared
        assert response.status == 101
        response.headers["X-Request-Id"] = "7"
        response.enable_compression()
        return response

    server = await serve(answering(Echo()), label)
    _, answer = await connect(server, headers=[("Accept-Encoding", "gzip")])
    assert answer["x-request-id"] == "7"
    assert "content-encoding" not in answer


async def test_a_middleware_may_replace_the_response(serve: Serve, connect: Connect) -> None:
    @web.middleware
    async def forbid(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return web.Response(status=503, text="full")

    listener = Echo()
    server = await serve(answering(listener), forbid)
    with pytest.raises(Refused) as refused:
        await connect(server)
    assert (refused.value.status, refused.value.body) == (503, b"full")
    assert listener.events == []


async def test_on_response_prepare_sees_the_response(serve: Serve, connect: Connect) -> None:
    async def label(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Label"] = type(response).__name__

    server = await serve(answering(Echo()), prepare=label)
    _, answer = await connect(server)
    assert answer["x-label"] == "WebSocketListenerResponse"


async def test_on_response_prepare_may_refuse(serve: Serve, connect: Connect) -> None:
    async def refuse(request: web.Request, response: web.StreamResponse) -> None:
        if response.status == 101:
            raise web.HTTPTooManyRequests

    listener = Echo()
    server = await serve(answering(listener), prepare=refuse)
    with pytest.raises(Refused) as refused:
        await connect(server)
    assert refused.value.status == 429
    assert listener.events == []


async def test_the_access_log_tells_of_the_upgrade_while_the_connection_is_open(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "aiohttp_ws.access")
    server = await serve(answering(Echo()))
    await connect(server)
    lines = [r.getMessage() for r in caplog.records if r.name == "aiohttp_ws.access"]
    assert len(lines) == 1
    assert '"GET / HTTP/1.1" 101 ' in lines[0]
