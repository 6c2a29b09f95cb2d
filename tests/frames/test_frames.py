"""Promises of WSFrame: what a listener is told of each frame, and for how long."""

from __future__ import annotations

import asyncio
import gc
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws import WSCloseCode, WSFrame, WSMsgType
from aiohttp_ws.ws.engine.frame import _make_test_ws_frame
from aiohttp_ws.ws.listeners.frame import WSTransport
from tests.ws.memory_transport import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close_payload,
)

from .ends import Bench, Recorder


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request):
    return request.param


def seen(bench_side, *sent, look, **options):
    """What *look* says of each of the frames *sent*, inside ``on_ws_frame``."""
    found = []
    bench = Bench(
        Recorder(on_ws_frame=lambda _, frame: found.append(look(frame))),
        server=bench_side,
        **options,
    )
    for opcode, payload, extra in sent:
        bench.send(opcode, payload, **extra)
    return found


# ------------------------------------------------------------------------- accessors


async def test_the_payload_comes_as_bytes_text_and_memoryview(side):
    def look(frame):
        return (
            frame.msg_type,
            frame.get_payload_as_bytes(),
            frame.get_payload_as_utf8_text(),
            frame.get_payload_as_ascii_text(),
            bytes(frame.get_payload_as_memoryview()),
            frame.payload_size,
        )

    [(kind, *payloads)] = seen(side, (TEXT, b"hello", {}), look=look)
    assert kind is WSMsgType.TEXT
    assert payloads == [b"hello", "hello", "hello", b"hello", 5]


async def test_an_empty_payload_is_empty_in_every_form(side):
    def look(frame):
        return (
            frame.get_payload_as_bytes(),
            frame.get_payload_as_utf8_text(),
            frame.get_payload_as_ascii_text(),
            bytes(frame.get_payload_as_memoryview()),
            frame.payload_size,
        )

    assert seen(side, (BINARY, b"", {}), look=look) == [(b"", "", "", b"", 0)]


async def test_the_memoryview_is_read_only_and_contiguous(side):
    def look(frame):
        view = frame.get_payload_as_memoryview()
        return view.readonly, view.contiguous, view.format, view.nbytes

    assert seen(side, (BINARY, bytes(300), {}), look=look) == [(True, True, "B", 300)]


async def test_text_is_decoded_when_asked_for_and_not_before(side):
    received = seen(side, (TEXT, b"\xff", {}), (TEXT, b"ok", {}), look=WSFrame.get_payload_as_bytes)
    assert received == [b"\xff", b"ok"]


async def test_what_is_not_ascii_is_no_ascii_text(side):
    def look(frame):
        with pytest.raises(UnicodeDecodeError):
            frame.get_payload_as_ascii_text()
        return frame.get_payload_as_utf8_text()

    assert seen(side, (TEXT, "grün".encode(), {}), look=look) == ["grün"]


async def test_flags_are_those_of_the_frame(side):
    def look(frame):
        return frame.msg_type, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3

    assert seen(
        side,
        (TEXT, b"", {"fin": False}),
        (CONTINUATION, b"", {"rsv": 4}),
        (BINARY, b"", {"rsv": 2}),
        (BINARY, b"", {"rsv": 1}),
        (PONG, b"", {}),
        look=look,
    ) == [
        (WSMsgType.TEXT, False, False, False, False),
        (WSMsgType.CONTINUATION, True, True, False, False),
        (WSMsgType.BINARY, True, False, True, False),
        (WSMsgType.BINARY, True, False, False, True),
        (WSMsgType.PONG, True, False, False, False),
    ]


@pytest.mark.parametrize(
    ("payload", "code", "message", "reason"),
    [
        (b"", WSCloseCode.NO_INFO, None, None),
        (close_payload(1000), WSCloseCode.OK, None, None),
        (close_payload(1001, b"bye"), WSCloseCode.GOING_AWAY, b"bye", "bye"),
        (close_payload(4321, "grün".encode()), 4321, "grün".encode(), "grün"),
    ],
)
async def test_a_close_frame_tells_its_code_and_reason(side, payload, code, message, reason):
    def look(frame):
        return frame.get_close_code(), frame.get_close_message(), frame.get_close_reason()

    assert seen(side, (CLOSE, payload, {}), look=look) == [(code, message, reason)]


async def test_a_named_close_code_is_a_member_of_wsclosecode(side):
    [code] = seen(side, (CLOSE, close_payload(1012), {}), look=WSFrame.get_close_code)
    assert code is WSCloseCode.SERVICE_RESTART


async def test_a_frame_shows_all_but_its_payload(side):
    [shown] = seen(side, (TEXT, b"secret", {}), look=repr)
    assert "TEXT" in shown
    assert "payload_size=6" in shown
    assert "secret" not in shown


# ------------------------------------------------------------------- how long it lives


@pytest.mark.parametrize(
    "accessor",
    [
        WSFrame.get_payload_as_bytes,
        WSFrame.get_payload_as_utf8_text,
        WSFrame.get_payload_as_ascii_text,
        WSFrame.get_payload_as_memoryview,
        WSFrame.get_close_code,
        WSFrame.get_close_message,
        WSFrame.get_close_reason,
    ],
    ids=lambda method: method.__name__,
)
async def test_a_frame_that_was_kept_gives_its_payload_no_more(side, accessor):
    kept = []
    Bench(Recorder(on_ws_frame=lambda _, frame: kept.append(frame)), server=side).send(TEXT, b"x")
    with pytest.raises(RuntimeError, match="copy it there"):
        accessor(kept[0])


async def test_a_frame_that_was_kept_still_tells_what_it_was(side):
    kept = []
    Bench(Recorder(on_ws_frame=lambda _, frame: kept.append(frame)), server=side).send(
        TEXT, b"abc", fin=False
    )
    frame = kept[0]
    assert (frame.msg_type, frame.fin, frame.payload_size) == (WSMsgType.TEXT, False, 3)
    assert "TEXT" in repr(frame)


async def test_a_frame_kept_by_the_traceback_of_an_exception_is_dead_too(side):
    def fail(_, frame):
        raise ValueError("no")

    bench = Bench(Recorder(on_ws_frame=fail), server=side, disconnect_on_exception=False)
    bench.send(TEXT, b"x")
    gc.collect()
    bench.send(TEXT, b"y")
    assert bench.listener.frames == [(TEXT, b"x"), (TEXT, b"y")]


async def test_frames_are_made_by_connections_only():
    frame = WSFrame()
    with pytest.raises(RuntimeError):
        frame.get_payload_as_bytes()


async def test_a_transport_on_nothing_sends_nothing():
    from aiohttp_ws.wire.frames import FrameReader

    transport = WSTransport(Recorder(), FrameReader(server=False))
    transport.send(WSMsgType.TEXT, b"x")
    transport.send_close(1000)
    transport.disconnect()
    assert transport.is_disconnected


# -------------------------------------------------------- tail_size and last_in_buffer

OPCODES = st.sampled_from([TEXT, BINARY, PING, PONG])
FRAMES = st.lists(
    st.tuples(OPCODES, st.one_of(st.integers(0, 125), st.sampled_from([126, 127, 300, 9000]))),
    min_size=1,
    max_size=8,
)


def whole(sizes, position, end):
    """Whether the frame that begins at *position* lies within the first *end* bytes."""
    start = 0
    for size in sizes:
        if start == position:
            return start + size <= end
        start += size
    return False


@given(sent=FRAMES, cuts=st.lists(st.integers(0, 80000), max_size=12), server=st.booleans())
def test_tail_size_and_last_in_buffer_follow_how_the_input_was_split(sent, cuts, server):

    async def run():
        told = []
        bench = Bench(
            Recorder(
                on_ws_frame=lambda _, frame: told.append(
                    (
                        int(frame.msg_type),
                        frame.payload_size,
                        frame.tail_size,
                        frame.last_in_buffer,
                    )
                )
            ),
            server=server,
            enable_auto_pong=False,
        )
        frames = [(opcode, size if opcode < CLOSE else min(size, 125)) for opcode, size in sent]
        data = [bench.frame(opcode, bytes(size)) for opcode, size in frames]
        sizes = [len(each) for each in data]
        stream = b"".join(data)
        edges = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
        expected = []
        done = 0
        for start, end in itertools.pairwise(edges):
            bench.transport.feed(stream[start:end])
            position = sum(sizes[:done])
            while done < len(frames) and position + sizes[done] <= end:
                position += sizes[done]
                expected.append((*frames[done], end - position, not whole(sizes, position, end)))
                done += 1
        assert told == expected

    asyncio.run(run())


async def test_a_frame_longer_than_any_buffer_has_nothing_behind_it(side):
    told = []
    bench = Bench(
        Recorder(on_ws_frame=lambda _, f: told.append((f.payload_size, f.last_in_buffer))),
        server=side,
    )
    data = bench.frame(BINARY, bytes(900_000)) + bench.frame(TEXT, b"x")
    for start in range(0, len(data), 70_001):
        bench.transport.feed(data[start : start + 70_001])
    assert told == [(900_000, True), (1, True)]


@pytest.mark.parametrize("kind", [WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PONG])
def test_other_frames_have_no_close_code(kind: WSMsgType) -> None:
    frame = _make_test_ws_frame(kind, b"abc")
    for accessor in (frame.get_close_code, frame.get_close_message, frame.get_close_reason):
        with pytest.raises(ValueError, match=f"a {kind.name} frame has no close code or reason"):
            accessor()


def test_an_applications_own_close_code_has_a_value_and_no_name() -> None:
    code = _make_test_ws_frame(WSMsgType.CLOSE, b"\x0f\xa0").get_close_code()
    assert (code, code.value, code.name) == (4000, 4000, None)
    assert isinstance(code, WSCloseCode)
    with pytest.raises(ValueError, match="999 is not a valid WSCloseCode"):
        WSCloseCode(999)
