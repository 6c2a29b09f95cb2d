"""The low-level modules of websockets' first years, on streams and with real peers."""

from __future__ import annotations

import asyncio

import pytest
import websockets
from multidict import CIMultiDict

from aiohttp_ws.websockets import framing, handshake, http
from aiohttp_ws.websockets.exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidUpgrade,
    PayloadTooBig,
    ProtocolError,
    RequestLineTooLong,
    StatusLineTooLong,
    TooManyHeaders,
    WebSocketProtocolError,
)
from aiohttp_ws.websockets.framing import (
    OP_CLOSE,
    OP_CONT,
    OP_PING,
    OP_PONG,
    OP_TEXT,
    Frame,
    read_frame,
    write_frame,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def stream_of(data: bytes, limit: int = 2**16) -> asyncio.StreamReader:
    stream = asyncio.StreamReader(limit=limit)
    stream.feed_data(data)
    stream.feed_eof()
    return stream


# ---------------------------------------------------------------------------- handshake


def test_both_halves_of_a_handshake_fit():
    request: CIMultiDict[str] = CIMultiDict()
    key = handshake.build_request(request.add)
    assert handshake.check_request(request.get) == key
    response: CIMultiDict[str] = CIMultiDict()
    handshake.build_response(response.add, key)
    handshake.check_response(response.get, key)


def test_the_answer_is_that_of_the_rfc():
    response: dict[str, str] = {}
    handshake.build_response(response.__setitem__, KEY)
    assert response["Sec-WebSocket-Accept"] == ACCEPT


def sound_request() -> dict[str, str]:
    return {
        "Upgrade": "WebSocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }


def test_a_getter_may_raise_or_return_nothing_for_a_missing_header():
    headers = sound_request()
    assert handshake.check_request(headers.__getitem__) == KEY
    del headers["Upgrade"]
    for getter in (headers.__getitem__, headers.get, lambda name: headers.get(name, "")):
        with pytest.raises(InvalidUpgrade) as caught:
            handshake.check_request(getter)
        assert (caught.value.name, caught.value.value) == ("Upgrade", None)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("Upgrade", "h2c", InvalidUpgrade),
        ("Connection", "close", InvalidUpgrade),
        ("Sec-WebSocket-Key", None, InvalidHeader),
        ("Sec-WebSocket-Key", "short", InvalidHeaderValue),
        ("Sec-WebSocket-Version", "8", InvalidHeaderValue),
    ],
)
def test_an_unsound_request_is_refused(name: str, value: str | None, kind: type[Exception]):
    headers: dict[str, str | None] = {**sound_request(), name: value}
    with pytest.raises(kind) as caught:
        handshake.check_request(headers.get)
    assert name in str(caught.value)
    assert isinstance(caught.value, InvalidHandshake)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Upgrade", "h2c"), ("Connection", None), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK")],
)
def test_an_unsound_response_is_refused(name: str, value: str | None):
    headers: dict[str, str | None] = {}
    handshake.build_response(headers.__setitem__, KEY)
    headers[name] = value
    with pytest.raises(InvalidHandshake, match=name):
        handshake.check_response(headers.get, KEY)


# ------------------------------------------------------------------------------- framing


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("size", [0, 5, 126, 65536])
async def test_a_frame_is_read_as_it_was_written(size: int, mask: bool):
    written: list[bytes] = []
    frame = Frame(True, OP_TEXT, b"x" * size)
    write_frame(frame, written.append, mask)
    stream = stream_of(b"".join(written) + b"rest")
    assert await read_frame(stream.readexactly, mask) == frame
    assert await stream.read() == b"rest"


async def test_a_frame_has_three_fields_in_order():
    fin, opcode, data = await read_frame(stream_of(b"\x00\x02ab").readexactly, False)
    assert (fin, opcode, data) == (False, OP_CONT, b"ab")


@pytest.mark.parametrize(
    ("data", "mask"),
    [(b"\x83\x00", False), (b"\xc1\x00", False), (b"\x81\x00", True), (b"\x09\x00", False)],
)
async def test_a_frame_that_breaks_the_protocol_is_refused(data: bytes, mask: bool):
    with pytest.raises(WebSocketProtocolError):
        await read_frame(stream_of(data).readexactly, mask)


async def test_a_frame_that_is_too_big_is_not_read():
    stream = stream_of(b"\x82\x7e\x01\x00" + bytes(256))
    with pytest.raises(PayloadTooBig) as caught:
        await read_frame(stream.readexactly, False, max_size=255)
    assert caught.value.size == 256
    assert await stream.read() == bytes(256)


async def test_an_end_inside_a_frame_is_told():
    with pytest.raises(EOFError):
        await read_frame(stream_of(b"\x81\x05hell").readexactly, False)
    with pytest.raises(EOFError):
        await read_frame(stream_of(b"\x81\x05hell").read, False)


@pytest.mark.parametrize(
    "frame",
    [Frame(True, 3, b""), Frame(False, OP_PING, b""), Frame(True, OP_PONG, bytes(126))],
)
def test_a_frame_that_would_break_the_protocol_is_not_written(frame: Frame):
    written: list[bytes] = []
    with pytest.raises(ProtocolError):
        write_frame(frame, written.append, False)
    assert written == []


def test_close_frames():
    assert framing.parse_close(framing.serialize_close(1001, "bye")) == (1001, "bye")
    assert framing.parse_close(b"") == (1005, "")
    for code in (0, 1005, 5000):
        with pytest.raises(ProtocolError, match=str(code)):
            framing.check_close(code)
        with pytest.raises(ProtocolError):
            framing.serialize_close(code, "")
    with pytest.raises(ProtocolError):
        framing.parse_close(b"\x03")
    with pytest.raises(UnicodeDecodeError):
        framing.parse_close(b"\x03\xe8\xff")


# ---------------------------------------------------------------------------------- http


async def test_a_request_is_read_from_a_stream():
    data = b"GET /chat?a=b HTTP/1.1\r\nHost: x\r\nX:  \xff \r\nX: y\r\n\r\nrest"
    stream = stream_of(data)
    path, headers = await http.read_request(stream)
    assert path == "/chat?a=b"
    assert headers == [("Host", "x"), ("X", "\udcff"), ("X", "y")]
    assert await stream.read() == b"rest"


async def test_a_response_is_read_from_a_stream():
    stream = stream_of(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    assert await http.read_response(stream) == (404, [("Content-Length", "2")])
    assert await stream.read() == b"no"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", EOFError),
        (b"GET / HTTP/1.1\r\nHost: x", EOFError),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", ValueError),
        (b"GET / HTTP/1.0\r\n\r\n", ValueError),
        (b"GET /\r\n\r\n", ValueError),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n", RequestLineTooLong),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 200, TooManyHeaders),
    ],
)
async def test_what_is_not_a_request_is_refused(data: bytes, kind: type[Exception]):
    with pytest.raises(kind):
        await http.read_request(stream_of(data))


async def test_what_is_not_a_response_is_refused():
    with pytest.raises(ValueError, match="HTTP"):
        await http.read_response(stream_of(b"hello\r\n\r\n"))
    with pytest.raises(StatusLineTooLong):
        await http.read_response(stream_of(b"HTTP/1.1 200 " + b"x" * 9000 + b"\r\n"))


# ------------------------------------------------------------------- with a real other end


async def test_a_client_of_these_modules_talks_to_a_server_of_websockets():
    async def echo(connection: websockets.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"]
        key = handshake.build_request(lambda name, value: lines.append(f"{name}: {value}\r\n"))
        writer.write("".join([*lines, "\r\n"]).encode())
        status, headers = await http.read_response(reader)
        assert status == 101
        handshake.check_response(CIMultiDict(headers).get, key)
        write_frame(Frame(True, OP_TEXT, b"hello"), writer.write, True)
        assert await read_frame(reader.readexactly, False) == Frame(True, OP_TEXT, b"hello")
        goodbye = framing.serialize_close(1000, "done")
        write_frame(Frame(True, OP_CLOSE, goodbye), writer.write, True)
        assert await read_frame(reader.readexactly, False) == Frame(True, OP_CLOSE, goodbye)
        writer.close()
        await writer.wait_closed()


async def test_a_server_of_these_modules_talks_to_a_client_of_websockets():
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path, headers = await http.read_request(reader)
        assert path == "/chat"
        key = handshake.check_request(CIMultiDict(headers).get)
        lines = ["HTTP/1.1 101 Switching Protocols\r\n"]
        handshake.build_response(lambda name, value: lines.append(f"{name}: {value}\r\n"), key)
        writer.write("".join([*lines, "\r\n"]).encode())
        while True:
            frame = await read_frame(reader.readexactly, True)
            write_frame(frame, writer.write, False)
            if frame.opcode == OP_CLOSE:
                break
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}/chat", compression=None) as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            await client.close(4000, "enough")
            assert client.close_code == 4000
