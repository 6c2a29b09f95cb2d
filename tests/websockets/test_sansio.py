"""The connection without input and output, held against that of websockets."""

from __future__ import annotations

from typing import Any

import pytest
import websockets.client
import websockets.frames
import websockets.protocol
import websockets.server
import websockets.uri
from hypothesis import given, settings
from hypothesis import strategies as st

import aiohttp_ws.websockets.protocol
from aiohttp_ws.websockets.exceptions import (
    PayloadTooBig,
)
from aiohttp_ws.websockets.frames import Opcode
from aiohttp_ws.websockets.protocol import Protocol, Side
from aiohttp_ws.wire.frames import FrameReader, encode_frame

# ----------------------------------------------------------------- after the handshake


def frames_of(data: bytes, masked: bool) -> list[tuple[int, int, bytes]]:
    """The frames in what an end sent; of close frames the code: reasons are each its own words."""
    found = FrameReader(masked, check_utf8=False, allow_reserved=True).feed(data)
    return [(op, flags, body[:2] if op == Opcode.CLOSE else body) for op, flags, body in found]


def seen(protocol: Any) -> list[Any]:
    """What can be told of an end from outside."""
    closes = (protocol.close_rcvd, protocol.close_sent)
    looks = [
        protocol.state.name,
        protocol.close_code,
        protocol.close_expected(),
        [close and int(close.code) for close in closes],
        protocol.close_rcvd_then_sent,
        type(protocol.parser_exc).__name__,
    ]
    if protocol.state.name == "CLOSED":
        looks += [type(protocol.close_exc).__name__, type(protocol.close_exc.__cause__).__name__]
    return looks


def play(module: Any, side: str, steps: list[tuple[Any, ...]], **options: Any) -> list[Any]:
    """Take *steps* with one library's end; all that shows."""
    protocol = module.Protocol(module.Side[side], **options)
    shown = []
    for name, *args in steps:
        try:
            if name == "frame":
                opcode, data, *rest = args
                key = b"\1\2\3\4" if side == "SERVER" else None
                fin, rsv = rest or (True, 0)
                protocol.receive_data(encode_frame(opcode, data, fin=fin, rsv=rsv, mask=key))
            else:
                getattr(protocol, name)(*args)
        except Exception as exc:
            shown.append(type(exc).__name__)
        events = [(int(e.opcode), bytes(e.data), e.fin) for e in protocol.events_received()]
        sent = protocol.data_to_send()
        masked = side == "CLIENT"
        shown.append((events, [frames_of(data, masked) if data else "EOF" for data in sent]))
        shown.append(seen(protocol))
    return shown


def same_by_both(side: str, steps: list[tuple[Any, ...]], **options: Any) -> None:
    ours = play(aiohttp_ws.websockets.protocol, side, steps, **options)
    assert ours == play(websockets.protocol, side, steps, **options)


def close(code: int, reason: bytes = b"") -> tuple[str, int, bytes]:
    return ("frame", Opcode.CLOSE, code.to_bytes(2, "big") + reason)


EOF = ("receive_eof",)
SIDES = ["SERVER", "CLIENT"]
SCRIPTS = {
    "messages and control frames": [
        ("frame", 1, b"hi"),
        ("frame", 9, b"p"),
        ("frame", 10, b"q"),
        close(1000, b"bye"),
        ("frame", 1, b"late"),
        EOF,
    ],
    "a close frame without a code": [("frame", 8, b""), EOF, EOF],
    "a close frame while ours is on its way": [
        ("send_close", 1001, "going"),
        ("frame", 1, b"late"),
        ("frame", 9, b"p"),
        close(1001, b"going"),
        ("receive_data", b"dropped"),
        EOF,
        ("receive_data", b"too late"),
    ],
    "no close frame for ours": [("send_close", 1001), EOF],
    "what may be sent while closing": [
        ("send_close",),
        ("send_ping", b"a"),
        ("send_pong", b"b"),
        ("send_text", b""),
        ("send_close",),
    ],
    "what may be sent when closed": [
        EOF,
        ("send_ping", b""),
        ("send_binary", b""),
        ("send_continuation", b"", True),
        ("send_close",),
    ],
    "close frames that cannot be sent": [
        ("send_close", None, "reason"),
        ("send_close", 1005),
        ("send_close", 999),
        ("send_close", 1000, "x" * 124),
    ],
    "fragments sent": [
        ("send_text", b"a", False),
        ("send_text", b"b"),
        ("send_binary", b"b"),
        ("send_continuation", b"c", False),
        ("send_ping", b""),
        ("send_continuation", b"d", True),
        ("send_continuation", b"e", True),
    ],
    "fragments received": [
        ("frame", 1, b"a", False, 0),
        ("frame", 9, b"z"),
        ("frame", 0, b"b"),
        ("frame", 2, b"c", False, 0),
        ("frame", 0, b"d", False, 0),
        ("frame", 0, b"e"),
    ],
    "a message inside a message": [("frame", 1, b"a", False, 0), ("frame", 1, b"b"), EOF],
    "a continuation of nothing": [("frame", 0, b"a"), EOF],
    "a reserved opcode": [("frame", 3, b"a"), ("frame", 1, b"x"), EOF],
    "a reserved bit": [("frame", 1, b"a", True, 4), EOF],
    "a fragmented ping": [("frame", 9, b"a", False, 0), EOF],
    "half a close code": [("frame", 8, b"\x03"), EOF],
    "a close code that cannot be sent": [close(1005), EOF],
    "a close reason that is not UTF-8": [close(1000, b"\xff"), EOF],
    "text that is not UTF-8": [("frame", 1, b"\xff")],
    "fragments that are not UTF-8": [("frame", 1, b"\xff", False, 0), ("frame", 0, b"\xff")],
    "an end inside a frame": [("receive_data", b"\x81"), EOF],
    "an end without a close frame": [EOF],
    "giving up": [("fail", 1002, "oops"), ("frame", 1, b"x"), close(1002), EOF],
    "giving up without a close frame": [("fail", 1006), ("frame", 1, b"x"), EOF],
    "giving up twice": [("fail", 1011), ("fail", 1011), ("send_text", b"a"), EOF],
    "giving up while closing": [("send_close",), ("fail", 1002), EOF],
    "giving up after the peer's close frame": [close(1000), ("fail", 1002), EOF],
    "a fault while closing": [("send_close",), ("frame", 3, b""), EOF],
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_end_does_what_that_of_websockets_does(name: str, side: str):
    same_by_both(side, SCRIPTS[name])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("max_size", [10, (10, 4), (None, 4), (10, None), None])
@pytest.mark.parametrize(
    "steps",
    [
        [("frame", 1, b"x" * 10), ("frame", 1, b"x" * 11), EOF],
        [("frame", 1, b"x" * 4, False, 0), ("frame", 0, b"x" * 4), ("frame", 2, b"x" * 4)],
        [("frame", 1, b"x" * 4, False, 0), ("frame", 0, b"x" * 4, False, 0), ("frame", 0, b"xxx")],
        [("frame", 1, b"x" * 5, False, 0), ("frame", 0, b"x" * 6), EOF],
    ],
)
def test_limits_hold_where_those_of_websockets_hold(side: str, max_size: Any, steps: Any):
    same_by_both(side, steps, max_size=max_size)


def test_what_is_too_big_is_told_in_numbers():
    protocol = Protocol(Side.CLIENT, max_size=10)
    protocol.receive_data(encode_frame(1, b"x" * 6, fin=False) + encode_frame(0, b"x" * 8))
    exc = protocol.parser_exc
    assert isinstance(exc, PayloadTooBig)
    assert (exc.size, exc.max_size, exc.current_size) == (8, 10, 6)
    assert protocol.close_sent.code == 1009


STEP = st.one_of(
    st.tuples(st.just("frame"), st.sampled_from([0, 1, 2, 9, 10]), st.binary(max_size=3)),
    st.sampled_from([("frame", opcode, b"f", False, 0) for opcode in (0, 1, 2)]),
    st.sampled_from([close(1000), close(4000, b"x"), ("frame", 8, b""), ("frame", 11, b""), EOF]),
    st.sampled_from([("send_text", b"t"), ("send_binary", b"b", False), ("send_ping", b"p")]),
    st.sampled_from([("send_continuation", b"c", True), ("send_close", 1000), ("send_pong", b"")]),
)


def without_close_in_message(steps: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """*steps* but for close frames inside a message: websockets takes them for a fault."""
    kept, inside = [], False
    for step in steps:
        if step[:2] == ("frame", Opcode.CLOSE) and inside:
            continue
        if step[0] == "frame" and step[1] < Opcode.CLOSE:
            inside = len(step) > 3
        kept.append(step)
    return kept


@settings(max_examples=200)
@given(st.sampled_from(SIDES), st.lists(STEP, max_size=8).map(without_close_in_message))
def test_ends_of_both_libraries_agree_on_any_course(side: str, steps: list[tuple[Any, ...]]):
    same_by_both(side, steps)


@pytest.mark.parametrize("side", SIDES)
def test_a_close_frame_may_stand_inside_a_message(side: str):
    # RFC 6455 5.4: control frames may; who goes away need not finish its message.
    key = b"abcd" if side == "SERVER" else None
    protocol = Protocol(Side[side])
    protocol.receive_data(encode_frame(1, b"half", fin=False, mask=key))
    protocol.receive_data(encode_frame(8, b"\x03\xe9", mask=key))
    protocol.receive_eof()
    assert protocol.close_code == 1001
    assert protocol.parser_exc is None


def test_what_comes_in_single_bytes_is_the_same():
    whole, split = Protocol(Side.SERVER), Protocol(Side.SERVER)
    data = b"".join(encode_frame(1, b"x" * n, mask=b"abcd") for n in (0, 1, 130, 70_000))
    whole.receive_data(data)
    for at in range(len(data)):
        split.receive_data(data[at : at + 1])
    assert split.events_received() == whole.events_received()


def test_nothing_is_answered_once_the_peer_closed():
    protocol = Protocol(Side.CLIENT)
    protocol.receive_data(encode_frame(8, b"\x03\xe8") + encode_frame(9, b"late"))
    assert [event.opcode for event in protocol.events_received()] == [Opcode.CLOSE]
    assert len(protocol.data_to_send()) == 1


@pytest.mark.parametrize("module", [aiohttp_ws.websockets.protocol, websockets.protocol])
@pytest.mark.parametrize("closed_before", [True, False])
def test_a_program_tells_that_the_connection_is_lost(module: Any, closed_before: bool):
    end = module.Protocol(module.Side.SERVER)
    if closed_before:
        end.send_close(1000)
        end.receive_data(encode_frame(8, b"\x03\xe8", mask=bytes(4)))
        assert end.state is module.State.CLOSING
    end.state = module.State.CLOSED
    assert end.state is module.State.CLOSED
    assert end.close_code == (1000 if closed_before else 1006)


def test_no_other_state_can_be_told():
    end = Protocol(Side.SERVER)
    with pytest.raises(ValueError, match="cannot be set to CLOSING"):
        end.state = aiohttp_ws.websockets.protocol.State.CLOSING
