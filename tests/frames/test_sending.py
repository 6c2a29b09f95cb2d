"""Promises of the sending half: what a call puts on the wire, in what order, in how many writes."""

from __future__ import annotations

import asyncio
import random

import pytest

from aiohttp_ws import WSCloseCode, WSMsgType, WSTransport
from tests.ws.memory_transport import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    MemoryTransport,
    settle,
)

from .ends import Bench, Recorder, ended, pair, within


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10

# ------------------------------------------------------------------- what goes on the wire


@pytest.mark.parametrize(
    "kind",
    [WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION, WSMsgType.PING, WSMsgType.PONG],
)
@pytest.mark.parametrize(
    ("message", "payload"),
    [
        (b"bytes", b"bytes"),
        ("grün", "grün".encode()),
        (bytearray(b"array"), b"array"),
        (memoryview(b"view"), b"view"),
        (memoryview(b"xxpartxx")[2:-2], b"part"),
        (b"", b""),
        (None, b""),
    ],
    ids=["bytes", "str", "bytearray", "memoryview", "slice", "empty", "none"],
)
async def test_every_kind_of_message_can_carry_every_kind_of_payload(side, kind, message, payload):
    bench = Bench(server=side)
    if kind is WSMsgType.CONTINUATION:
        bench.connection.send(WSMsgType.TEXT, b"", fin=False)
        bench.sent()
    bench.connection.send(kind, message)
    assert bench.sent() == [(kind, payload)]


async def test_flags_reach_the_wire_as_asked(side):
    bench = Bench(server=side)
    send = bench.connection.send
    send(WSMsgType.TEXT, b"a", fin=False)
    send(WSMsgType.CONTINUATION, b"b", False, True)
    send(WSMsgType.CONTINUATION, b"c", True, False, True, True)
    assert bench.sent_frames() == [
        (TEXT, 0, b"a"),
        (CONTINUATION, RSV1, b"b"),
        (CONTINUATION, FIN | RSV2 | RSV3, b"c"),
    ]


@pytest.mark.parametrize("message", [5, 1.5, object(), ["x"]])
async def test_what_has_no_bytes_is_refused(side, message):
    bench = Bench(server=side)
    with pytest.raises(TypeError):
        bench.connection.send(WSMsgType.TEXT, message)
    assert bench.sent() == []


async def test_a_memoryview_with_holes_is_refused(side):
    bench = Bench(server=side)
    with pytest.raises(BufferError):
        bench.connection.send(WSMsgType.BINARY, memoryview(b"abcdef")[::2])
    assert bench.sent() == []


@pytest.mark.parametrize("kind", [3, 7, 11, 15, 16, 256, WSMsgType.CLOSED])
async def test_what_is_no_opcode_is_refused(side, kind):
    bench = Bench(server=side)
    with pytest.raises(ValueError, match="not an opcode"):
        bench.connection.send(kind, b"")
    assert bench.sent() == []


async def test_a_string_of_lone_surrogates_is_no_text(side):
    bench = Bench(server=side)
    with pytest.raises(UnicodeEncodeError):
        bench.connection.send(WSMsgType.TEXT, "\ud800")
    assert bench.sent() == []


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537, 200_000])
async def test_every_form_of_length_arrives(side, size):
    bench = Bench(server=side)
    payload = random.Random(size).randbytes(size)
    bench.connection.send(WSMsgType.BINARY, payload)
    assert bench.sent() == [(BINARY, payload)]


# ----------------------------------------------------------------------- control frames


async def test_a_control_frame_carries_125_bytes_and_no_more(side):
    bench = Bench(server=side)
    transport = bench.connection
    for call in (transport.send_ping, transport.send_pong):
        call(bytes(125))
        with pytest.raises(ValueError, match="125"):
            call(bytes(126))
    for kind in (WSMsgType.PING, WSMsgType.PONG):
        with pytest.raises(ValueError, match="125"):
            transport.send(kind, bytes(126))
        with pytest.raises(ValueError, match="fin=False"):
            transport.send(kind, b"", fin=False)
    assert bench.sent() == [(PING, bytes(125)), (PONG, bytes(125))]


async def test_pings_and_pongs_are_empty_by_default(side):
    bench = Bench(server=side)
    bench.connection.send_ping()
    bench.connection.send_pong()
    bench.connection.send_ping("text")
    assert bench.sent() == [(PING, b""), (PONG, b""), (PING, b"text")]


@pytest.mark.parametrize(
    ("args", "payload"),
    [
        ((), b""),
        ((WSCloseCode.NO_INFO,), b""),
        ((1000,), b"\x03\xe8"),
        ((WSCloseCode.GOING_AWAY, b"bye"), b"\x03\xe9bye"),
        ((4999, "grün"), b"\x13\x87gr\xc3\xbcn"),
        ((3000, bytearray(123)), b"\x0b\xb8" + bytes(123)),
    ],
)
async def test_a_close_frame_carries_a_code_and_a_reason(side, args, payload):
    bench = Bench(server=side)
    bench.connection.send_close(*args)
    assert bench.connection.is_close_frame_sent
    assert bench.sent() == [(CLOSE, payload)]


@pytest.mark.parametrize(
    "args",
    [
        (999,),
        (1004,),
        (1005,),
        (1006,),
        (1015,),
        (2999,),
        (5000,),
        (-1,),
        (65536,),
        (1000, bytes(124)),
    ],
)
async def test_a_close_frame_that_no_peer_may_get_is_not_sent(side, args):
    bench = Bench(server=side)
    with pytest.raises(ValueError, match="RFC 6455"):
        bench.connection.send_close(*args)
    assert not bench.connection.is_close_frame_sent
    bench.connection.send_close(1000)
    assert bench.sent() == [(CLOSE, b"\x03\xe8")]


async def test_a_close_frame_sent_as_a_frame_is_a_close_frame(side):
    bench = Bench(server=side)
    with pytest.raises(ValueError, match="two bytes"):
        bench.connection.send(WSMsgType.CLOSE, b"\x03")
    bench.connection.send(WSMsgType.CLOSE, b"\x03\xe8done")
    assert bench.connection.is_close_frame_sent
    assert bench.connection.close_handshake.sent.reason == "done"
    assert bench.sent() == [(CLOSE, b"\x03\xe8done")]


async def test_nothing_follows_a_close_frame(side):
    bench = Bench(server=side)
    transport = bench.connection
    transport.send_close(1000)
    transport.send(WSMsgType.TEXT, b"x")
    transport.send_ping()
    transport.send_pong()
    transport.send_close(1001)
    transport.send_reuse_external_bytearray(WSMsgType.TEXT, bytearray(20), 14)
    assert bench.sent() == [(CLOSE, b"\x03\xe8")]


async def test_nothing_is_sent_when_the_connection_is_gone(side):
    bench = Bench(server=side)
    transport = bench.connection
    bench.transport.lose()
    transport.send(WSMsgType.TEXT, b"x")
    transport.send_ping()
    transport.send_close(1000)
    transport.send_reuse_external_bytearray(WSMsgType.TEXT, bytearray(20), 14)
    transport.disconnect()
    assert bench.sent() == []
    assert not transport.is_close_frame_sent


# -------------------------------------------------------- send_reuse_external_bytearray


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 100_000])
@pytest.mark.parametrize("room", [14, 15, 100])
async def test_a_prepared_buffer_leaves_without_a_copy(side, size, room):
    bench = Bench(server=side)
    payload = random.Random(size).randbytes(size)
    bench.connection.send_reuse_external_bytearray(
        WSMsgType.BINARY, bytearray(room) + payload, room
    )
    assert bench.sent() == [(BINARY, payload)]


async def test_a_prepared_buffer_is_written_in_front_of_the_message_only(side):
    bench = Bench(server=side)
    buffer = bytearray(b"#" * 20 + b"payload")
    bench.connection.send_reuse_external_bytearray(WSMsgType.TEXT, buffer, 20)
    assert buffer[:6] == b"#" * 6
    assert len(buffer) == 27
    if side:
        assert buffer[20:] == b"payload"


async def test_a_prepared_buffer_may_change_when_the_call_has_returned(side):
    bench = Bench(server=side)
    bench.transport.write = lambda data: kept.append(data)  # a transport that copies nothing
    kept: list[bytes] = []
    buffer = bytearray(14) + b"first" * 4000
    bench.connection.send_reuse_external_bytearray(WSMsgType.BINARY, buffer, 14)
    buffer.clear()
    bench.transport.written += b"".join(kept)
    assert bench.sent() == [(BINARY, b"first" * 4000)]


async def test_flags_of_a_prepared_buffer(side):
    bench = Bench(server=side)
    bench.connection.send_reuse_external_bytearray(
        WSMsgType.TEXT, bytearray(14) + b"a", 14, False, True, True, True
    )
    assert bench.sent_frames() == [(TEXT, RSV1 | RSV2 | RSV3, b"a")]


@pytest.mark.parametrize(("size", "offset"), [(20, 13), (20, 0), (20, -1), (20, 21), (5, 14)])
async def test_a_buffer_without_room_for_the_header_is_refused(side, size, offset):
    bench = Bench(server=side)
    with pytest.raises(ValueError, match=f"msg_offset={offset}"):
        bench.connection.send_reuse_external_bytearray(WSMsgType.TEXT, bytearray(size), offset)
    assert bench.sent() == []


async def test_a_prepared_buffer_is_no_close_frame(side):
    bench = Bench(server=side)
    with pytest.raises(ValueError, match="send_close"):
        bench.connection.send_reuse_external_bytearray(WSMsgType.CLOSE, bytearray(16), 14)
    with pytest.raises(ValueError, match="125"):
        bench.connection.send_reuse_external_bytearray(WSMsgType.PING, bytearray(140), 14)
    bench.connection.send_reuse_external_bytearray(WSMsgType.PING, bytearray(14) + b"p", 14)
    assert bench.sent() == [(PING, b"p")]


# ------------------------------------------------------------------- batches and writes


async def test_what_is_sent_while_a_read_is_handled_leaves_in_one_write(side):
    def answer(transport, frame):
        transport.send(WSMsgType.TEXT, frame.get_payload_as_bytes())

    bench = Bench(Recorder(on_ws_frame=answer), server=side)
    bench.transport.feed(b"".join(bench.frame(TEXT, b"%d" % i) for i in range(100)))
    assert bench.transport.writes == 1
    assert bench.sent() == [(TEXT, b"%d" % i) for i in range(100)]


async def test_the_answer_to_the_handshake_and_first_frames_leave_in_one_write():
    bench = Bench(
        Recorder(on_ws_connected=lambda transport: transport.send(WSMsgType.TEXT, b"hi")),
        preamble=b"HTTP/1.1 101 ...\r\n\r\n",
    )
    assert bench.transport.writes == 1
    assert bench.transport.written == b"HTTP/1.1 101 ...\r\n\r\n\x81\x02hi"


async def test_the_first_frame_outside_a_read_leaves_at_once(side):
    bench = Bench(server=side)
    bench.connection.send(WSMsgType.TEXT, b"now")
    assert bench.transport.writes == 1


async def test_a_run_of_frames_is_few_writes(side):
    bench = Bench(server=side)
    for _ in range(1000):
        bench.connection.send(WSMsgType.TEXT, b"x")
    await settle()
    assert bench.transport.writes < 100
    assert bench.sent() == [(TEXT, b"x")] * 1000


async def test_small_large_and_prepared_frames_keep_their_order(side):
    """Those that are buffered, those that leave directly, and those written in place."""
    dice = random.Random(7)
    sizes = [dice.choice([0, 10, 200, 5000, 9000, 17_000, 70_000]) for _ in range(60)]

    def burst(transport):
        for i, size in enumerate(sizes):
            message = b"%06d" % i + bytes(size)
            if i % 3 == 0:
                transport.send_reuse_external_bytearray(
                    WSMsgType.BINARY, bytearray(14) + message, 14
                )
            else:
                transport.send(WSMsgType.BINARY, message)
            if i % 7 == 0:
                transport.send_ping(b"%06d" % i)

    outside = Bench(server=side)
    burst(outside.connection)
    await settle()
    inside = Bench(Recorder(on_ws_frame=lambda t, _: burst(t)), server=side)
    inside.send(TEXT, b"go")
    for bench in (outside, inside):
        sent = bench.sent()
        numbers = [int(payload[:6]) for opcode, payload in sent if opcode == BINARY]
        assert numbers == list(range(60))
        assert [len(p) - 6 for opcode, p in sent if opcode == BINARY] == sizes
        pings = [(i, int(p)) for i, (opcode, p) in enumerate(sent) if opcode == PING]
        assert [number for _, number in pings] == list(range(0, 60, 7))
        assert all(int(sent[i - 1][1][:6]) == number for i, number in pings)


async def test_what_a_listener_sends_in_pause_writing_comes_behind(side, monkeypatch):
    """It is called in the middle of a write."""
    plain = MemoryTransport.write

    def write(transport, data):
        plain(transport, data)
        if len(data) > 70_000:
            transport.protocol.pause_writing()

    monkeypatch.setattr(MemoryTransport, "write", write)
    listener = Recorder(pause_writing=lambda: listener.transport.send(WSMsgType.TEXT, b"behind"))
    bench = Bench(listener, server=side)
    bench.connection.send(WSMsgType.TEXT, b"first")
    bench.connection.send(WSMsgType.BINARY, bytes(80_000))
    bench.connection.send(WSMsgType.TEXT, b"last")
    assert bench.sent() == [
        (TEXT, b"first"),
        (BINARY, bytes(80_000)),
        (TEXT, b"behind"),
        (TEXT, b"last"),
    ]


# ------------------------------------------------------------------------- real sockets


@pytest.mark.parametrize("sender", ["server", "client"])
async def test_a_slow_reader_gets_everything_in_order(sender):
    paused = asyncio.Event()
    resumed = asyncio.Event()

    def watch():
        return Recorder(pause_writing=paused.set, resume_writing=resumed.set)

    async with pair(near=watch, far=watch) as ends:
        reader, writer = ends if sender == "server" else reversed(ends)
        reader.transport.underlying_transport.pause_reading()
        expected = []
        dice = random.Random(1)
        while not paused.is_set():
            size = dice.choice([1, 300, 10_000, 40_000, 200_000])
            message = b"%08d" % len(expected) + bytes(size)
            if len(expected) % 2:
                writer.transport.send(WSMsgType.BINARY, message)
            else:
                writer.transport.send_reuse_external_bytearray(
                    WSMsgType.BINARY, bytearray(14) + message, 14
                )
            expected.append(message)
            assert len(expected) < 1000, "pause_writing() is not called"
            await asyncio.sleep(0)
        for _ in range(50):  # and some on top, into the buffer
            expected.append(b"%08d" % len(expected))
            writer.transport.send(WSMsgType.BINARY, expected[-1])
        reader.transport.underlying_transport.resume_reading()
        for message in expected:
            assert await reader.next() == (BINARY, message)
        await within(resumed.wait())
        assert writer.events.count("pause_writing") == writer.events.count("resume_writing")


@pytest.mark.parametrize("sender", ["server", "client"])
@pytest.mark.parametrize("size", [1 << 20, 9_000_000])
async def test_a_large_frame_crosses_in_partial_writes(sender, size):
    async with pair() as ends:
        reader, writer = ends if sender == "server" else reversed(ends)
        payload = random.Random(size).randbytes(1000) * (size // 1000)
        writer.transport.send(WSMsgType.BINARY, payload)
        writer.transport.send(WSMsgType.TEXT, b"after")
        assert await reader.next() == (BINARY, payload)
        assert await reader.next() == (TEXT, b"after")


@pytest.mark.parametrize("graceful", [True, False])
async def test_disconnect_with_a_backlog(graceful):
    """Graceful sends what is buffered first; the other drops it."""
    paused = asyncio.Event()
    async with pair(far=lambda: Recorder(pause_writing=paused.set)) as (near, far):
        near.transport.underlying_transport.pause_reading()
        count = 0
        while not paused.is_set():
            far.transport.send(WSMsgType.BINARY, bytes(300_000))
            count += 1
            assert count < 1000, "pause_writing() is not called"
            await asyncio.sleep(0)
        far.transport.disconnect(graceful)
        if not graceful:
            await far.wait_gone()
        near.transport.underlying_transport.resume_reading()
        await near.wait_gone()
        await ended(far.transport)
        assert (len(near.frames) == count) is graceful


async def test_sending_to_a_peer_that_is_gone_raises_nothing():
    async with pair() as (near, far):
        near.transport.disconnect(False)
        await near.wait_gone()
        for _ in range(10):
            far.transport.send(WSMsgType.BINARY, bytes(100_000))
        await far.wait_gone()
        far.transport.send(WSMsgType.BINARY, bytes(100_000))
        assert far.transport.is_disconnected


async def test_what_is_written_to_the_transport_below_goes_after_what_was_sent():
    def greet(transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, b"first")
        transport.underlying_transport.write(b"then")
        transport.send(WSMsgType.TEXT, b"last")

    bench = Bench(Recorder(on_ws_connected=greet), preamble=b"HTTP/1.1 101 ...\r\n\r\n")
    written = bytes(bench.transport.written)
    assert written.startswith(b"HTTP/1.1 101 ...\r\n\r\n")
    assert written.index(b"first") < written.index(b"then") < written.index(b"last")
