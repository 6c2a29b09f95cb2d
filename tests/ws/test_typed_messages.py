"""Messages as objects, sent and received: on the wire, and with Autobahn at the other end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiohttp_ws import (
    ClientSession,
    IncomingMessage,
    OutgoingMessage,
    Ping,
    WSMessageTypeError,
    WSMsgType,
    broadcast,
    web,
)
from aiohttp_ws.errors import ClientConnectionResetError
from aiohttp_ws.pytest_plugin import AiohttpServer
from aiohttp_ws.wire.deflate import DeflateParams
from tests.frames.ends import Bench
from tests.interop.autobahn_ends import autobahn_client, autobahn_server
from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY, PATIENCE, PING, PONG, TEXT

FIN, RSV1 = 0x80, 0x40
LONG = b"a price, and another price: " * 40


# ---------------------------------------------------------------------- the message level


async def test_a_message_is_sent_as_it_says(open_end: Open) -> None:
    ends = await open_end()
    await ends.ws.send_message(OutgoingMessage("é"))
    await ends.ws.send_message(OutgoingMessage("é".encode()))
    await ends.ws.send_message(OutgoingMessage(b"\xff", is_binary=True))
    await ends.ws.send_message(OutgoingMessage(memoryview(b"view"), is_binary=True))
    await ends.ws.send_message(Ping(b"there?"))
    await ends.ws.send_message(Ping())
    received = [await ends.peer.receive() for _ in range(6)]
    assert [(each.opcode, each.payload) for each in received] == [
        (TEXT, "é".encode()),
        (TEXT, "é".encode()),
        (BINARY, b"\xff"),
        (BINARY, b"view"),
        (PING, b"there?"),
        (PING, b""),
    ]


async def test_every_send_takes_a_message_of_its_kind(open_end: Open) -> None:
    ends = await open_end()
    text, binary = OutgoingMessage("text"), OutgoingMessage(b"binary", is_binary=True)
    await ends.ws.send_str(text)
    await ends.ws.send_bytes(binary)
    await ends.ws.send_frame(text, WSMsgType.TEXT)
    await ends.ws.send_frame(binary, WSMsgType.BINARY)
    received = [await ends.peer.receive() for _ in range(4)]
    assert [(each.opcode, each.payload) for each in received] == [
        (TEXT, b"text"),
        (BINARY, b"binary"),
    ] * 2


@pytest.mark.parametrize(
    "send",
    [
        lambda ws: ws.send_str(OutgoingMessage(b"", is_binary=True)),
        lambda ws: ws.send_bytes(OutgoingMessage("text")),
        lambda ws: ws.send_frame(OutgoingMessage("text"), WSMsgType.BINARY),
        lambda ws: ws.send_frame(OutgoingMessage("text"), WSMsgType.PING),
        lambda ws: ws.send_message("text"),
        lambda ws: ws.send_message(b"bytes"),
        lambda ws: ws.send_message(IncomingMessage(b"")),
        lambda ws: ws.send_str(IncomingMessage(b"")),
    ],
)
async def test_a_message_of_another_kind_is_refused(open_end: Open, send: Any) -> None:
    ends = await open_end()
    with pytest.raises(TypeError):
        await send(ends.ws)
    await ends.ws.send_str("next")
    assert (await ends.peer.receive()).payload == b"next"


async def test_bytes_that_are_no_utf_8_do_not_leave_as_text(open_end: Open) -> None:
    ends = await open_end()
    with pytest.raises(UnicodeDecodeError):
        await ends.ws.send_message(OutgoingMessage(b"\xff"))
    await ends.ws.send_str("next")
    assert (await ends.peer.receive()).payload == b"next"


async def test_skip_compress_holds_for_one_message(open_end: Open) -> None:
    ends = await open_end(deflate=True)
    await ends.ws.send_message(OutgoingMessage(LONG))
    await ends.ws.send_message(OutgoingMessage(LONG, skip_compress=True))
    await ends.ws.send_bytes(OutgoingMessage(LONG, True, True), compress=True)
    await ends.ws.send_message(OutgoingMessage(LONG, True))
    await ends.ws.send_message(OutgoingMessage(LONG, True), compress=False)
    received = [await ends.peer.receive() for _ in range(5)]
    assert [bool(each.rsv) for each in received] == [True, False, False, True, False]
    assert [each.payload == LONG for each in received] == [False, True, True, False, True]


async def test_a_message_is_not_sent_after_the_end(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1000)
    await ends.ws.receive()
    for message in (OutgoingMessage("late"), OutgoingMessage(b"late", True), Ping()):
        with pytest.raises(ClientConnectionResetError):
            await ends.ws.send_message(message)


@pytest.mark.parametrize(
    "call",
    [lambda ws: ws.send_message(OutgoingMessage("early")), lambda ws: ws.receive_message()],
)
async def test_nothing_crosses_before_the_handshake(call: Any) -> None:
    with pytest.raises(RuntimeError, match="prepare"):
        await call(web.WebSocketResponse())


async def test_a_message_is_received_as_bytes_of_either_kind(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send(TEXT, "é".encode())
    ends.peer.send(BINARY, b"\xff")
    text, binary = await ends.ws.receive_message(), await ends.ws.receive_message()
    assert type(text) is type(binary) is IncomingMessage
    assert (text.payload, text.is_binary) == ("é".encode(), False)
    assert (binary.payload, binary.is_binary) == (b"\xff", True)


async def test_text_that_is_not_decoded_is_received_as_it_came(open_end: Open) -> None:
    ends = await open_end(decode_text=False)
    ends.peer.send(TEXT, b"text")
    message = await ends.ws.receive_message()
    assert (message.payload, message.is_binary) == (b"text", False)


async def test_a_message_that_comes_later_is_waited_for(open_end: Open) -> None:
    ends = await open_end()
    waiting = asyncio.ensure_future(ends.ws.receive_message())
    await asyncio.sleep(0)
    assert not waiting.done()
    ends.peer.send(TEXT, b"now")
    assert (await asyncio.wait_for(waiting, PATIENCE)).payload == b"now"


async def test_waiting_for_a_message_ends_with_its_timeout_and_loses_none(open_end: Open) -> None:
    ends = await open_end()
    with pytest.raises(asyncio.TimeoutError):
        await ends.ws.receive_message(timeout=0.001)
    cancelled = asyncio.ensure_future(ends.ws.receive_message())
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    ends.peer.send(TEXT, b"kept")
    assert (await ends.ws.receive_message()).payload == b"kept"


async def test_what_is_no_message_raises_as_receive_str_does(open_end: Open) -> None:
    ends = await open_end(autoping=False)
    ends.peer.send(PONG, b"")
    with pytest.raises(WSMessageTypeError, match="is neither"):
        await ends.ws.receive_message()
    ends.peer.send_close(1000)
    with pytest.raises(WSMessageTypeError, match="1000"):
        await ends.ws.receive_message()
    with pytest.raises(WSMessageTypeError):
        await ends.ws.receive_message()


# ------------------------------------------------------------------------ the frame level


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_a_transport_sends_a_message_as_it_says(side: bool) -> None:
    bench = Bench(server=side)
    bench.connection.send_message(OutgoingMessage("é"))
    bench.connection.send_message(OutgoingMessage(b"\xff", is_binary=True))
    bench.connection.send_message(Ping(b"there?"))
    bench.connection.send(WSMsgType.TEXT, OutgoingMessage(b"text"))
    bench.connection.send(WSMsgType.BINARY, OutgoingMessage(bytearray(b"array"), is_binary=True))
    assert bench.sent() == [
        (TEXT, "é".encode()),
        (BINARY, b"\xff"),
        (PING, b"there?"),
        (TEXT, b"text"),
        (BINARY, b"array"),
    ]


async def test_a_transport_refuses_what_is_not_of_its_type(side: bool) -> None:
    bench = Bench(server=side)
    send, text = bench.connection.send, OutgoingMessage("text")
    for msg_type in (WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
        with pytest.raises(TypeError):
            send(msg_type, text)
    for other in ("text", b"bytes", IncomingMessage(b"")):
        with pytest.raises(TypeError, match="must be an OutgoingMessage or a Ping"):
            bench.connection.send_message(other)  # type: ignore[arg-type]
    for no_payload in (IncomingMessage(b""), 5):
        with pytest.raises(TypeError):
            send(WSMsgType.BINARY, no_payload)  # type: ignore[arg-type]
    with pytest.raises(UnicodeDecodeError):
        send(WSMsgType.TEXT, OutgoingMessage(b"\xff"))
    assert bench.sent() == []


async def test_skip_compress_holds_for_one_message_of_a_transport(side: bool) -> None:
    bench = Bench(server=side, deflate=DeflateParams())
    bench.connection.send_message(OutgoingMessage(LONG))
    bench.connection.send_message(OutgoingMessage(LONG, skip_compress=True))
    bench.connection.send_message(OutgoingMessage(LONG, True))
    assert [each[:2] for each in bench.sent_frames()] == [
        (TEXT, FIN | RSV1),
        (TEXT, FIN),
        (BINARY, FIN | RSV1),
    ]


async def test_fragments_follow_the_first_of_them(side: bool) -> None:
    bench = Bench(server=side, deflate=DeflateParams())
    send = bench.connection.send
    euro = "€".encode()
    send(WSMsgType.TEXT, OutgoingMessage(euro[:1], skip_compress=True), fin=False)
    send(WSMsgType.CONTINUATION, OutgoingMessage(euro[1:]))
    send(WSMsgType.TEXT, OutgoingMessage(LONG), fin=False)
    send(WSMsgType.CONTINUATION, OutgoingMessage(LONG, skip_compress=True))
    frames = bench.sent_frames()
    assert [flags for _, flags, _ in frames] == [0, FIN, RSV1, FIN]
    assert frames[0][2] + frames[1][2] == euro
    assert len(frames[3][2]) < len(LONG)


# --------------------------------------------------------------------- with Autobahn


async def serve_echo(aiohttp_server: AiohttpServer, listening: list[Any]) -> str:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        listening.append(ws)
        while True:
            try:
                message = await ws.receive_message()
            except WSMessageTypeError:
                return ws
            await ws.send_message(
                OutgoingMessage(message.payload, message.is_binary, skip_compress=True)
            )

    app = web.Application()
    app.router.add_get("/", handler)
    server = await aiohttp_server(app)
    return f"ws://127.0.0.1:{server.port}/"


@pytest.mark.parametrize("deflate", [False, True])
async def test_autobahns_client_gets_its_messages_back(
    aiohttp_server: AiohttpServer, deflate: bool
) -> None:
    listening: list[Any] = []
    url = await serve_echo(aiohttp_server, listening)
    async with autobahn_client(url, deflate=deflate) as end:
        await end.opened
        for message in [("é".encode(), False), (b"\xff" * 100_000, True), (b"", False)]:
            end.send(*message)
            assert await end.next() == message
        assert broadcast(listening, OutgoingMessage(LONG, skip_compress=True)).sent == 1
        assert await end.next() == (LONG, False)
        assert broadcast(listening, OutgoingMessage(LONG, is_binary=True)).sent == 1
        assert await end.next() == (LONG, True)
        end.protocol.sendClose(1000)
        assert (await end.wait_closed())[1] == 1000


@pytest.mark.parametrize("deflate", [False, True])
async def test_autobahns_server_gets_what_a_client_sends(deflate: bool) -> None:
    async with autobahn_server(deflate=deflate) as (url, ends), ClientSession() as session:
        ws = await session.ws_connect(url, compress=15 if deflate else 0)
        end = await asyncio.wait_for(ends.get(), PATIENCE)
        await ws.send_message(OutgoingMessage(LONG, skip_compress=True))
        assert await end.next() == (LONG, False)
        await ws.send_message(OutgoingMessage(LONG, is_binary=True))
        assert await end.next() == (LONG, True)
        end.send(LONG)
        assert (await ws.receive_message()).payload == LONG
        await ws.close()


async def test_a_broadcast_skips_compression_for_one_message(open_server: Open) -> None:
    ends = await open_server(deflate=True)
    for skip in (False, True):
        assert broadcast([ends.ws], OutgoingMessage(LONG, skip_compress=skip)).sent == 1
    first, second = await ends.peer.receive(), await ends.peer.receive()
    assert (bool(first.rsv), bool(second.rsv)) == (True, False)
    assert second.payload == LONG


async def test_a_broadcast_of_bytes_that_are_no_utf_8_is_refused(open_server: Open) -> None:
    ends = await open_server()
    with pytest.raises(UnicodeDecodeError):
        broadcast([ends.ws], OutgoingMessage(b"\xff"))
