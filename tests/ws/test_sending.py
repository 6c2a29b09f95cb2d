"""What ``send_*()``, ``ping()`` and ``pong()`` put on the wire, at either end."""

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_ws import WSMsgType
from tests.ws.conftest import Open
from tests.ws.raw_end import BINARY, PING, PONG, TEXT


async def test_text_binary_and_json(open_end: Open) -> None:
    ends = await open_end()
    await ends.ws.send_str("\N{EURO SIGN}")
    await ends.ws.send_bytes(b"\xff")
    await ends.ws.send_json({"a": [1]})
    await ends.ws.send_json({"a": 1}, dumps=lambda value: "dumped")
    await ends.ws.send_json_bytes({"a": 1}, dumps=lambda value: json.dumps(value).encode())
    received = [await ends.peer.receive() for _ in range(5)]
    assert [(each.opcode, each.payload) for each in received[:4]] == [
        (TEXT, "\N{EURO SIGN}".encode()),
        (BINARY, b"\xff"),
        (TEXT, b'{"a": [1]}'),
        (TEXT, b"dumped"),
    ]
    assert (received[4].opcode, received[4].payload) == (BINARY, b'{"a": 1}')
    # RFC 6455 5.1: a client masks every frame, a server none.
    assert all(each.fin and each.rsv == 0 for each in received)
    assert {each.masked for each in received} == {ends.side == "client"}


async def test_any_buffer_of_bytes_is_sent(open_end: Open) -> None:
    ends = await open_end()
    for data in (
        b"bytes",
        bytearray(b"bytes"),
        memoryview(b"bytes"),
        memoryview(b"b-y-t-e-s")[::2],
    ):
        await ends.ws.send_bytes(data)
        assert (await ends.peer.receive()).payload == b"bytes"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1024 * 1024])
async def test_every_length_is_encoded_right(open_end: Open, size: int) -> None:
    ends = await open_end()
    data = bytes(range(256)) * (size // 256 + 1)
    await ends.ws.send_bytes(data[:size])
    assert (await ends.peer.receive()).payload == data[:size]


async def test_a_buffer_may_change_once_the_send_has_returned(open_end: Open) -> None:
    ends = await open_end()
    data = bytearray(b"before" * 1000)
    await ends.ws.send_bytes(data)
    data[:] = b"after " * 1000
    assert (await ends.peer.receive()).payload == b"before" * 1000
    # A client masks a copy: what the caller passed is the caller's.
    assert data == b"after " * 1000


async def test_pings_and_pongs(open_end: Open) -> None:
    ends = await open_end()
    await ends.ws.ping()
    await ends.ws.ping(b"binary")
    await ends.ws.ping("text")
    await ends.ws.pong()
    await ends.ws.pong(b"binary")
    await ends.ws.pong("text")
    received = [await ends.peer.receive() for _ in range(6)]
    assert [(each.opcode, each.payload) for each in received] == [
        (opcode, payload) for opcode in (PING, PONG) for payload in (b"", b"binary", b"text")
    ]


async def test_ping_of_more_than_125_bytes_is_refused(open_end: Open) -> None:
    ends = await open_end()
    with pytest.raises(ValueError, match="125"):
        await ends.ws.ping(b"x" * 126)
    await ends.ws.ping(b"x" * 125)
    assert len((await ends.peer.receive()).payload) == 125


async def test_send_frame(open_end: Open) -> None:
    ends = await open_end()
    await ends.ws.send_frame(b"text", WSMsgType.TEXT)
    await ends.ws.send_frame(b"binary", WSMsgType.BINARY)
    await ends.ws.send_frame(b"ping", WSMsgType.PING)
    received = [await ends.peer.receive() for _ in range(3)]
    assert [(each.opcode, each.payload) for each in received] == [
        (TEXT, b"text"),
        (BINARY, b"binary"),
        (PING, b"ping"),
    ]


@pytest.mark.parametrize(
    "send",
    [
        lambda ws: ws.send_str(b"bytes"),
        lambda ws: ws.send_str(None),
        lambda ws: ws.send_bytes("text"),
        lambda ws: ws.send_bytes(5),
        lambda ws: ws.send_json(object()),
        lambda ws: ws.ping(5),
        lambda ws: ws.pong([1]),
    ],
    ids=["str-bytes", "str-None", "bytes-str", "bytes-int", "json-object", "ping", "pong"],
)
async def test_wrong_type_is_a_type_error_and_sends_nothing(
    open_end: Open, send: Callable[[Any], Any]
) -> None:
    ends = await open_end()
    with pytest.raises(TypeError):
        await send(ends.ws)
    await ends.ws.send_str("next")
    assert (await ends.peer.receive()).payload == b"next"


async def test_text_that_has_no_utf8_is_refused(open_end: Open) -> None:
    ends = await open_end()
    with pytest.raises(UnicodeEncodeError):
        await ends.ws.send_str("lone surrogate \ud800")
    await ends.ws.send_str("next")
    assert (await ends.peer.receive()).payload == b"next"


async def test_send_after_the_close_is_a_connection_reset_error(open_end: Open) -> None:
    ends = await open_end()
    ends.peer.send_close(1000)
    await ends.ws.receive()
    for send in (
        ends.ws.send_str("late"),
        ends.ws.send_bytes(b"late"),
        ends.ws.send_json({}),
        ends.ws.ping(),
        ends.ws.pong(),
    ):
        with pytest.raises(ConnectionResetError):
            await send


# ------------------------------------------------------------- permessage-deflate

RSV1 = 4


def inflated(payload: bytes) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(payload + b"\x00\x00\xff\xff")


async def test_messages_are_compressed_when_agreed(open_end: Open) -> None:
    ends = await open_end(deflate=True)
    assert ends.ws.compress
    await ends.ws.send_str("squeeze " * 1000)
    received = await ends.peer.receive()
    assert received.rsv == RSV1
    assert inflated(received.payload) == b"squeeze " * 1000


async def test_compress_of_a_message_overrides_what_was_agreed(open_end: Open) -> None:
    ends = await open_end(deflate=True)
    await ends.ws.send_str("squeeze " * 1000, compress=0)
    plain = await ends.peer.receive()
    assert (plain.rsv, plain.payload) == (0, b"squeeze " * 1000)


async def test_nothing_is_compressed_that_was_not_agreed(open_end: Open) -> None:
    ends = await open_end()
    assert not ends.ws.compress
    await ends.ws.send_str("squeeze " * 1000)
    assert (await ends.peer.receive()).rsv == 0


async def test_compressed_messages_are_received_in_any_fragments(open_end: Open) -> None:
    ends = await open_end(deflate=True)
    deflater = zlib.compressobj(wbits=-15)
    for _ in range(2):  # The second refers back to the first: the context is taken over.
        squeezed = deflater.compress("\N{EURO SIGN}".encode() * 1000)
        squeezed += deflater.flush(zlib.Z_SYNC_FLUSH)
        squeezed = squeezed.removesuffix(b"\x00\x00\xff\xff")
        ends.peer.send(TEXT, squeezed[:3], fin=False, rsv=RSV1)
        ends.peer.send(0, b"", fin=False)
        ends.peer.send(PING)
        ends.peer.send(0, squeezed[3:])
        assert await ends.ws.receive_str() == "\N{EURO SIGN}" * 1000


async def test_deflate_bomb_stops_at_max_msg_size(open_end: Open) -> None:
    ends = await open_end(deflate=True, max_msg_size=100_000)
    deflater = zlib.compressobj(level=9, wbits=-15)
    bomb = deflater.compress(bytes(64 * 1024 * 1024)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 100_000
    ends.peer.send(BINARY, bomb.removesuffix(b"\x00\x00\xff\xff"), rsv=RSV1)
    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert ends.ws.close_code == 1009
    assert (await ends.peer.receive_close())[0] == 1009


async def test_stream_that_does_not_inflate_closes_the_connection(open_end: Open) -> None:
    ends = await open_end(deflate=True)
    ends.peer.send(BINARY, b"\xff\xff\xff\xff not deflated", rsv=RSV1)
    assert (await ends.ws.receive()).type is WSMsgType.ERROR
    assert ends.ws.closed
    assert ends.ws.close_code in (1002, 1007)
