"""Promises of permessage-deflate in the frame API, with other libraries as peers."""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib

import pytest

from aiohttp_ws import DeflateOptions, DeflateParams, WSMsgType, ws_connect
from tests.peers import import_peer
from tests.ws.memory_transport import BINARY, CONTINUATION, PING, PONG, TEXT
from tests.ws.raw_end import open_raw

from .ends import Bench, Recorder, ended, pair, served, within

FIN, RSV1 = 0x80, 0x40
NO_TAKEOVER = DeflateOptions(server_no_context_takeover=True, client_no_context_takeover=True)
TEXTS = ["", "x", "hello " * 1000, "grün €" * 50, "é" * 70_000]


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


def inflater():
    return zlib.decompressobj(-15)


def inflated(inflate, data):
    return inflate.decompress(data + b"\0\0\xff\xff")


# ------------------------------------------------------------------------- the agreement


@pytest.mark.parametrize("client", [None, "deflate", NO_TAKEOVER])
@pytest.mark.parametrize("server", [None, "deflate", NO_TAKEOVER])
async def test_messages_cross_whatever_was_agreed_on(client, server):
    def echo(transport, frame):
        transport.send(frame.msg_type, frame.get_payload_as_bytes(), fin=frame.fin)

    async with pair(
        client={"compression": client},
        server={"compression": server},
        far=lambda: Recorder(on_ws_frame=echo),
    ) as (near, _):
        agreed = "Sec-WebSocket-Extensions" in near.transport.response.headers
        assert agreed is (client is not None and server is not None)
        noise = random.Random(1).randbytes(100_000)
        for payload in (b"", b"tick" * 500, noise, b"tick" * 500):
            near.transport.send(WSMsgType.BINARY, payload)
            assert await near.next() == (BINARY, payload)


async def test_a_client_that_offers_nothing_gets_nothing():
    async with served(compression="deflate") as this:
        end, headers = await open_raw("127.0.0.1", this.port)
        assert "sec-websocket-extensions" not in headers
        end.writer.transport.abort()


# ---------------------------------------------------------------------------- on the wire


async def test_what_is_sent_is_compressed_and_marked(side):
    bench = Bench(server=side, deflate=DeflateParams())
    text = b"hello " * 1000
    bench.connection.send(WSMsgType.TEXT, text)
    bench.connection.send(WSMsgType.TEXT, text)
    (first, second) = bench.sent_frames()
    assert first[:2] == second[:2] == (TEXT, FIN | RSV1)
    inflate = inflater()
    assert inflated(inflate, first[2]) == inflated(inflate, second[2]) == text
    assert len(second[2]) < len(first[2]) < 200  # the window went on


async def test_without_takeover_every_message_stands_alone(side):
    bench = Bench(server=side, deflate=DeflateParams(True, True))
    text = b"hello " * 100
    for _ in range(3):
        bench.connection.send(WSMsgType.TEXT, text)
    payloads = [payload for _, _, payload in bench.sent_frames()]
    assert [inflated(inflater(), each) for each in payloads] == [text] * 3


async def test_fragments_are_one_compressed_message(side):
    bench = Bench(server=side, deflate=DeflateParams())
    parts = [b"hello " * 50, b"", b"world " * 50, b"!"]
    for i, part in enumerate(parts):
        bench.connection.send(
            WSMsgType.CONTINUATION if i else WSMsgType.TEXT, part, fin=i == len(parts) - 1
        )
        bench.connection.send_ping(b"%d" % i)
    sent = bench.sent_frames()
    assert [each for each in sent if each[0] == PING] == [(PING, FIN, b"%d" % i) for i in range(4)]
    data = [each for each in sent if each[0] != PING]
    assert [each[:2] for each in data] == [
        (TEXT, RSV1),
        (CONTINUATION, 0),
        (CONTINUATION, 0),
        (CONTINUATION, FIN),
    ]
    assert inflated(inflater(), b"".join(each[2] for each in data)) == b"".join(parts)


async def test_short_messages_stay_as_they_are(side):
    bench = Bench(server=side, deflate=DeflateParams(), compression=DeflateOptions(threshold=100))
    send = bench.connection.send
    send(WSMsgType.TEXT, b"a" * 99)
    send(WSMsgType.TEXT, b"a" * 100)
    send(WSMsgType.TEXT, b"a" * 99, fin=False)
    send(WSMsgType.CONTINUATION, b"a" * 500)
    frames = bench.sent_frames()
    assert [each[:2] for each in frames] == [
        (TEXT, FIN),
        (TEXT, FIN | RSV1),
        (TEXT, 0),
        (CONTINUATION, FIN),
    ]
    assert frames[0][2] == b"a" * 99
    assert frames[3][2] == b"a" * 500


async def test_what_is_compressed_already_passes_through(side):
    """All its fragments do, whatever went before."""
    bench = Bench(server=side, deflate=DeflateParams())
    bench.connection.send(WSMsgType.TEXT, b"compressed here " * 10)
    bench.sent()
    bench.connection.send(WSMsgType.TEXT, b"\x01\x02", fin=False, rsv1=True)
    bench.connection.send(WSMsgType.CONTINUATION, b"\x03\x04" * 300, fin=False)
    bench.connection.send(WSMsgType.CONTINUATION, b"\x05")
    assert bench.sent_frames() == [
        (TEXT, RSV1, b"\x01\x02"),
        (CONTINUATION, 0, b"\x03\x04" * 300),
        (CONTINUATION, FIN, b"\x05"),
    ]


async def test_a_prepared_buffer_is_compressed_too(side):
    bench = Bench(server=side, deflate=DeflateParams())
    bench.connection.send_reuse_external_bytearray(
        WSMsgType.BINARY, bytearray(14) + b"abc" * 1000, 14
    )
    [(opcode, flags, payload)] = bench.sent_frames()
    assert (opcode, flags) == (BINARY, FIN | RSV1)
    assert inflated(inflater(), payload) == b"abc" * 1000


# ------------------------------------------------------------------------------ received


def squeezed(data):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def test_frames_arrive_inflated_with_flags_and_sizes_to_match(side):
    told = []
    bench = Bench(
        Recorder(
            on_ws_frame=lambda _, f: told.append(
                (f.payload_size, f.fin, f.rsv1, f.get_payload_as_utf8_text())
            )
        ),
        server=side,
        deflate=DeflateParams(),
    )
    bench.send(TEXT, squeezed(b"hello" * 100), rsv=4)
    bench.send(TEXT, b"plain")
    assert told == [(500, True, False, "hello" * 100), (5, True, False, "plain")]


@pytest.mark.parametrize("step", [1, 2, 7])
async def test_fragments_cut_anywhere_inflate_to_the_message(side, step):
    text = bytes(random.Random(3).choices(b"abcdef", k=2000))
    data = squeezed(text)
    bench = Bench(server=side, deflate=DeflateParams())
    pieces = [data[i : i + step] for i in range(0, len(data), step)]
    for i, piece in enumerate(pieces):
        bench.send(CONTINUATION if i else TEXT, piece, fin=i == len(pieces) - 1, rsv=0 if i else 4)
        if i % 5 == 0:
            bench.send(PING, b"between")
    assert b"".join(payload for _, payload in bench.listener.frames) == text
    assert len(bench.listener.frames) == len(pieces)
    assert set(bench.sent()) == {(PONG, b"between")}


async def test_a_frame_that_was_kept_gives_no_inflated_payload_either(side):
    kept = []
    bench = Bench(
        Recorder(on_ws_frame=lambda _, frame: kept.append(frame)),
        server=side,
        deflate=DeflateParams(),
    )
    bench.send(TEXT, squeezed(b"hello"), rsv=4)
    with pytest.raises(RuntimeError):
        kept[0].get_payload_as_bytes()


# ----------------------------------------------------------------------------- real peers

websockets = import_peer("websockets")
aiohttp = import_peer("aiohttp")


def answer(transport, frame):
    """Echo, and end when the peer does."""
    if frame.msg_type == WSMsgType.CLOSE:
        transport.send_close(frame.get_close_code(), frame.get_close_message())
        transport.disconnect()
    else:
        transport.send(frame.msg_type, frame.get_payload_as_bytes(), fin=frame.fin)


@pytest.mark.parametrize("options", ["deflate", NO_TAKEOVER, DeflateOptions(threshold=64)])
async def test_websockets_as_a_client(options):
    from websockets.asyncio.client import connect

    async with served(lambda: Recorder(on_ws_frame=answer), compression=options) as this:
        async with connect(this.url, max_size=None) as client:
            assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
            for text in TEXTS * 2:
                await client.send(text)
                assert await within(client.recv()) == text
            await client.send(["frag" * 100, "", "ments" * 100])
            assert await within(client.recv()) == "frag" * 100 + "ments" * 100
            await (await client.ping())
        await (await this.next()).wait_gone()


@pytest.mark.parametrize("options", ["deflate", NO_TAKEOVER, DeflateOptions(threshold=64)])
async def test_websockets_as_a_server(options):
    from websockets.asyncio.server import serve

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        transport, client = await ws_connect(
            Recorder, f"ws://127.0.0.1:{port}/", compression=options
        )
        assert "permessage-deflate" in transport.response.headers["Sec-WebSocket-Extensions"]
        for text in TEXTS * 2:
            transport.send(WSMsgType.TEXT, text)
            assert await client.next() == (TEXT, text.encode())
        transport.send(WSMsgType.TEXT, "frag" * 100, fin=False)
        transport.send_ping(b"between")
        transport.send(WSMsgType.CONTINUATION, "ments" * 100)
        assert await client.next() == (PONG, b"between")
        assert await client.next() == (TEXT, b"frag" * 100 + b"ments" * 100)
        assert len(await within(transport.measure_roundtrip_time(2))) == 2
        transport.send_close(1000)
        assert await ended(transport) is None
        assert transport.close_handshake.recv.code == 1000


async def test_aiohttp_as_a_client():
    async with served(lambda: Recorder(on_ws_frame=answer), compression="deflate") as this:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(this.url, compress=15, max_msg_size=0) as client,
        ):
            assert client.compress
            for text in TEXTS * 2:
                await client.send_str(text)
                assert await within(client.receive_str()) == text
        await (await this.next()).wait_gone()


async def test_aiohttp_as_a_server():
    async def handle(request):
        response = aiohttp.web.WebSocketResponse(max_msg_size=0)
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    import aiohttp.web

    app = aiohttp.web.Application()
    app.router.add_get("/", handle)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        transport, client = await ws_connect(
            Recorder, f"ws://127.0.0.1:{port}/", compression="deflate"
        )
        assert "permessage-deflate" in transport.response.headers["Sec-WebSocket-Extensions"]
        for text in TEXTS * 2:
            transport.send(WSMsgType.TEXT, text)
            assert await client.next() == (TEXT, text.encode())
        transport.send_close(1000)
        assert await ended(transport) is None
        await asyncio.sleep(0)
