"""Frames and close codes of the message API, held against those of websockets."""

from __future__ import annotations

import pytest
import websockets.frames as theirs
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_ws import WSCloseCode
from aiohttp_ws.websockets import frames
from aiohttp_ws.websockets.exceptions import PayloadTooBig, ProtocolError
from aiohttp_ws.websockets.frames import Close, CloseCode, Frame, Opcode
from tests.websockets.reference import as_websockets_17
from tests.websockets.streams import Stream, result

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 70000]


def parse(data: bytes, *, mask: bool, **options) -> Frame:
    stream = Stream(data)
    return result(Frame.parse(stream.read_exact, mask=mask, **options), stream)


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_frame_is_read_by_either_from_either(size: int, mask: bool):
    data = bytes(size % 251 for _ in range(size))
    our, their = Frame(Opcode.BINARY, data), theirs.Frame(theirs.Opcode.BINARY, data)
    assert parse(their.serialize(mask=mask), mask=mask) == our
    stream = Stream(our.serialize(mask=mask))
    assert result(theirs.Frame.parse(stream.read_exact, mask=mask), stream) == their


@given(st.sampled_from(Opcode), st.binary(max_size=125), st.booleans(), st.booleans())
def test_any_frame_is_read_as_it_was_written(opcode: Opcode, data: bytes, fin: bool, mask: bool):
    frame = Frame(opcode, data, fin or opcode >= Opcode.CLOSE)
    if opcode is Opcode.CLOSE and len(data) == 1:
        return
    assert parse(frame.serialize(mask=mask), mask=mask) == frame


def test_a_frame_is_read_from_single_bytes_and_no_further():
    data = Frame(Opcode.TEXT, b"x" * 200).serialize(mask=True)
    stream = Stream(*(data[at : at + 1] for at in range(len(data))), b"next")
    assert result(Frame.parse(stream.read_exact, mask=True), stream).data == b"x" * 200
    assert stream.data == b""


def test_two_masked_frames_have_two_keys():
    frame = Frame(Opcode.TEXT, b"payload")
    assert len({frame.serialize(mask=True) for _ in range(8)}) == 8


@pytest.mark.parametrize(
    ("data", "mask", "text"),
    [
        (b"\x83\x00", False, "reserved opcode"),
        (b"\xc1\x00", False, "reserved bits"),
        (b"\x81\x00", True, "unmasked frame"),
        (b"\x81\x80\0\0\0\0", False, "masked frame"),
        (b"\x09\x00", False, "fragmented control frame"),
        (b"\x89\x7e\x00\x7e" + bytes(126), False, "more than 125"),
        (b"\x81\x7e\x00\x05hello", False, "fewer are enough"),
        (b"\x88\x01\x03", False, "half a close code"),
    ],
)
def test_a_frame_that_breaks_the_protocol_is_refused(data: bytes, mask: bool, text: str):
    with pytest.raises(ProtocolError, match=text):
        parse(data, mask=mask)


def test_a_frame_that_is_too_big_is_refused_by_its_header():
    stream = Stream(b"\x82\x7e\x01\x00")
    with pytest.raises(PayloadTooBig) as caught:
        result(Frame.parse(stream.read_exact, mask=False, max_size=255), stream)
    assert (caught.value.size, caught.value.max_size) == (256, 255)
    assert parse(b"\x82\x03abc", mask=False, max_size=3).data == b"abc"


@pytest.mark.parametrize("data", [b"", b"\x81", b"\x81\x7e\x00", b"\x81\x05hell"])
def test_a_connection_that_ends_inside_a_frame_is_told(data: bytes):
    with pytest.raises(EOFError):
        parse(data, mask=False)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(Opcode.TEXT, b"", rsv1=True),
        Frame(Opcode.TEXT, b"", rsv3=True),
        Frame(Opcode.PING, b"", fin=False),
        Frame(Opcode.PING, bytes(126)),
    ],
)
def test_a_frame_that_would_break_the_protocol_is_not_written(frame: Frame):
    with pytest.raises(ProtocolError):
        frame.serialize(mask=False)


class Marked:
    """An extension that puts a mark behind the payload, and sets RSV2."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, frame.data + self.mark, frame.fin, rsv2=True)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        assert frame.data.endswith(self.mark)
        assert max_size == 10
        return Frame(frame.opcode, frame.data.removesuffix(self.mark), frame.fin)


def test_extensions_encode_in_order_and_decode_the_other_way():
    frame = Frame(Opcode.TEXT, b"abc")
    extensions = [Marked(b"1"), Marked(b"2")]
    sent = frame.serialize(mask=False, extensions=extensions)
    assert sent == b"\xa1\x05abc12"
    assert parse(sent, mask=False, extensions=extensions, max_size=10) == frame


@pytest.mark.parametrize("code", [*theirs.CloseCode, 3000, 3999, 4000, 4999, 1234, 0])
def test_a_close_code_is_explained_as_in_websockets(code: int):
    assert str(Close(code, "why")) == str(theirs.Close(code, "why"))


def test_the_codes_are_those_of_the_other_apis():
    ours = {code.value for code in CloseCode}
    assert {code.value for code in WSCloseCode} - ours == {WSCloseCode.NO_INFO}
    assert CloseCode.GOING_AWAY == WSCloseCode.GOING_AWAY


@pytest.mark.parametrize("close", [Close(1000, ""), Close(4999, "caf\xe9"), Close(1012, "x" * 123)])
def test_a_close_frame_is_read_as_it_was_written(close: Close):
    data = close.serialize()
    assert Close.parse(data) == close
    assert theirs.Close.parse(data).reason == close.reason


def test_no_payload_is_code_1005():
    assert Close.parse(b"") == Close(1005, "")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000])
def test_a_code_that_no_frame_may_have_is_refused(code: int):
    with pytest.raises(theirs.Close(code, "").check.__globals__["ProtocolError"]):
        theirs.Close(code, "").check()
    with pytest.raises(ProtocolError, match=str(code)):
        Close(code, "").serialize()
    with pytest.raises(ProtocolError):
        Close.parse(code.to_bytes(2, "big"))


def test_half_a_code_and_a_reason_that_is_not_utf8_are_refused():
    with pytest.raises(ProtocolError):
        Close.parse(b"\x03")
    with pytest.raises(UnicodeDecodeError):
        Close.parse(b"\x03\xe8\xff")


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (Frame(Opcode.TEXT, b"hello"), "TEXT 'hello' [5 bytes]"),
        (Frame(Opcode.TEXT, b"h", fin=False), "TEXT 'h' [1 byte, continued]"),
        (Frame(Opcode.BINARY, b"\x00\xff"), "BINARY 00 ff [2 bytes]"),
        (Frame(Opcode.PING, b"now"), "PING 'now' [text, 3 bytes]"),
        (Frame(Opcode.PONG, b"\x00\x01"), "PONG 00 01 [binary, 2 bytes]"),
        (Frame(Opcode.CLOSE, b"\x03\xe8ok"), "CLOSE 1000 (OK) ok [4 bytes]"),
        (Frame(Opcode.CLOSE, b""), "CLOSE '' [0 bytes]"),
        (Frame(Opcode.CONT, b"\x82\xac."), "CONT '\ufffd\ufffd.' [text, 3 bytes]"),
    ],
)
def test_a_frame_shows_itself_in_logs(frame: Frame, shown: str):
    assert str(frame) == shown


SHOWN = [
    b"abc",
    b"\xff",
    b"a\nb",
    b"a\0b",
    b"\xc3\xa9\xc3",
    b"\x80\x80\x80abc",
    "\u20ac".encode(),
    b"",
]


@as_websockets_17
@pytest.mark.parametrize("opcode", Opcode)
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("data", [*SHOWN, bytes(range(256)), b"words " * 20, b"\n" * 40])
def test_a_frame_shows_itself_as_that_of_websockets_does(opcode: Opcode, fin: bool, data: bytes):
    assert str(Frame(opcode, data, fin)) == str(theirs.Frame(theirs.Opcode(opcode), data, fin))


def test_a_long_frame_is_cut_in_logs():
    shown = str(Frame(Opcode.TEXT, b"x" * 100_000))
    assert len(shown) < 120
    assert "..." in shown
    assert "100000 bytes" in shown


@pytest.mark.parametrize("name", ["DATA_OPCODES", "CTRL_OPCODES", "EXTERNAL_CLOSE_CODES"])
def test_the_constants_are_those_of_websockets(name: str):
    assert sorted(getattr(frames, name)) == sorted(getattr(theirs, name))
