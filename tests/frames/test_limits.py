"""Promises of limits: no frame above max_frame_size costs more than its header."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from aiohttp_ws import WSMsgType, WSProtocolError
from aiohttp_ws.wire.deflate import DeflateParams
from tests.ws.memory_transport import BINARY, CLOSE, CONTINUATION, PING, TEXT, close_payload

from .ends import Bench, ended, pair, within

RSV1 = 4


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


def squeezed(data):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def closed_with(bench):
    """The code and the reason of the close frame that was sent last."""
    opcode, payload = bench.sent()[-1]
    assert opcode == CLOSE
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()


@pytest.mark.parametrize("size", [1, 125, 126, 65536, 200_000])
async def test_a_frame_at_the_limit_arrives_and_one_above_it_does_not(side, size):
    bench = Bench(server=side, max_frame_size=size)
    bench.send(BINARY, bytes(size))
    assert bench.listener.frames == [(BINARY, bytes(size))]
    bench.send(BINARY, bytes(size + 1))
    assert len(bench.listener.frames) == 1
    code, reason = closed_with(bench)
    assert code == 1009
    assert f"max_frame_size={size}" in reason
    assert str(size + 1) in reason


async def test_a_frame_that_is_too_long_is_refused_at_its_header(side):
    bench = Bench(server=side, max_frame_size=1000)
    mask = b"\x80" if side else b"\0"
    bench.transport.feed(b"\x82" + bytes([mask[0] | 127]) + (1 << 62).to_bytes(8, "big"))
    assert closed_with(bench)[0] == 1009


async def test_a_header_that_claims_much_takes_no_memory(side):
    bench = Bench(server=side, max_frame_size=0)
    mask = 0x80 if side else 0
    head = b"\x82" + bytes([mask | 127]) + (1 << 40).to_bytes(8, "big") + bytes(4 if side else 0)
    tracemalloc.start()
    bench.transport.feed(head + bytes(100_000))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert bench.listener.frames == []
    bench.transport.lose()


async def test_with_no_limit_long_frames_arrive(side):
    bench = Bench(server=side, max_frame_size=0)
    bench.send(BINARY, bytes(12 << 20))
    assert len(bench.listener.frames[0][1]) == 12 << 20


async def test_by_default_a_frame_has_10_mib():
    async with pair() as (near, far):
        near.transport.send(WSMsgType.BINARY, bytes(10 << 20))
        assert len((await far.next())[1]) == 10 << 20
        near.transport.send(WSMsgType.BINARY, bytes((10 << 20) + 1))
        await near.wait_gone()
        assert near.transport.close_handshake.recv.code == 1009


async def test_a_client_is_told_by_an_exception():
    async with pair(client={"max_frame_size": 10}) as (near, far):
        far.transport.send(WSMsgType.BINARY, bytes(11))
        outcome = await ended(near.transport)
        assert isinstance(outcome, WSProtocolError)
        assert outcome.code == 1009
        assert await ended(far.transport) is None
        assert far.transport.close_handshake.recv.code == 1009


async def test_a_message_of_many_fragments_keeps_nothing(side):
    """The frame API assembles nothing: fragments are as many as the peer likes."""
    bench = Bench(server=side, max_frame_size=100)
    bench.listener.calls["on_ws_frame"] = lambda *_: bench.listener.frames.clear()
    bench.send(TEXT, b"x" * 100, fin=False)
    batch = bench.frame(CONTINUATION, b"x" * 100, fin=False) * 1000
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        bench.transport.feed(batch)
        while not bench.listener.queue.empty():
            bench.listener.queue.get_nowait()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000
    bench.send(CONTINUATION, b"")
    assert bench.sent() == []
    assert not bench.transport.closing


async def test_a_flood_of_empty_fragments_is_delivered(side):
    bench = Bench(server=side)
    bench.send(BINARY, fin=False)
    bench.transport.feed(bench.frame(CONTINUATION, fin=False) * 10_000)
    assert len(bench.listener.frames) == 10_001


# --------------------------------------------------------------------- compression bombs


async def test_a_bomb_is_stopped_at_the_limit(side):
    bomb = squeezed(bytes(50 << 20))
    assert len(bomb) < 100_000
    bench = Bench(server=side, deflate=DeflateParams(), max_frame_size=1 << 20)
    data = bench.frame(BINARY, bomb, rsv=RSV1)
    tracemalloc.start()
    bench.transport.feed(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert bench.listener.frames == []
    code, reason = closed_with(bench)
    assert code == 1009
    assert f"inflates beyond max_frame_size={1 << 20}" in reason


@pytest.mark.parametrize(("size", "arrives"), [(1000, True), (1001, False)])
async def test_the_limit_holds_for_what_is_inflated(side, size, arrives):
    bench = Bench(server=side, deflate=DeflateParams(), max_frame_size=1000)
    bench.send(BINARY, squeezed(bytes(size)), rsv=RSV1)
    if arrives:
        assert bench.listener.frames == [(BINARY, bytes(size))]
    else:
        assert closed_with(bench)[0] == 1009


async def test_a_bomb_in_a_fragment_is_stopped(side):
    bench = Bench(server=side, deflate=DeflateParams(), max_frame_size=1000)
    bomb = squeezed(bytes(1 << 20))
    bench.send(BINARY, bomb[:1], fin=False, rsv=RSV1)
    bench.send(CONTINUATION, bomb[1:])
    assert closed_with(bench)[0] == 1009


@pytest.mark.parametrize("payload", [b"\xff\xff\xff", b"\x07\x00garbage", b"\x00\x05\x00\x00\x00"])
async def test_what_cannot_be_inflated_ends_the_connection(side, payload):
    bench = Bench(server=side, deflate=DeflateParams())
    bench.send(TEXT, payload, rsv=RSV1)
    code, _ = closed_with(bench)
    assert code in (1002, 1007)
    assert bench.listener.frames == []
    bench.transport.lose()
    outcome = await within(ended(bench.connection))
    assert outcome is None if side else isinstance(outcome, WSProtocolError)


# --------------------------------------------------------------- what breaks the protocol


@pytest.mark.parametrize(
    "breach",
    [
        lambda b: b.frame(CONTINUATION, b"x"),
        lambda b: b.frame(TEXT, b"a", fin=False) + b.frame(TEXT, b"b"),
        lambda b: b.frame(PING, b"x", fin=False),
        lambda b: b.frame(3, b"x"),
        lambda b: b.frame(11, b"x"),
        lambda b: (
            b.frame(TEXT, b"x", rsv=0)[:1] + bytes([b.frame(TEXT, b"x")[1] ^ 0x80]) + b"x" * 6
        ),
        lambda b: b"\x82" + bytes([126 | (0x80 if b.server else 0)]) + b"\0\x05" + b"x" * 10,
        lambda b: b"\x89" + bytes([126 | (0x80 if b.server else 0)]) + b"\0\x7e" + b"x" * 200,
    ],
    ids=[
        "continuation of nothing",
        "message in a message",
        "fragmented ping",
        "opcode 3",
        "opcode 11",
        "mask of the wrong side",
        "long form of a short length",
        "long ping",
    ],
)
@pytest.mark.parametrize("split", [False, True])
async def test_a_breach_closes_with_1002(side, breach, split):
    bench = Bench(server=side)
    data = breach(bench) + bench.frame(TEXT, b"never")
    if split:
        for i in range(len(data)):
            bench.transport.feed(data[i : i + 1])
    else:
        bench.transport.feed(data)
    assert [p[:2] for opcode, p in bench.sent() if opcode == CLOSE] == [close_payload(1002)]
    assert (TEXT, b"never") not in bench.listener.frames


async def test_reserved_bits_are_a_breach_once_compression_is_agreed_on(side):
    for rsv in (1, 2, 3, 5):
        bench = Bench(server=side, deflate=DeflateParams())
        bench.send(TEXT, b"x", rsv=rsv)
        assert closed_with(bench)[0] == 1002
    bench = Bench(server=side, deflate=DeflateParams())
    bench.send(PING, b"", rsv=RSV1)
    assert closed_with(bench)[0] == 1002
