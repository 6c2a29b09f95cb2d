"""The writing side of a body."""

from __future__ import annotations

import gzip

import pytest
from multidict import CIMultiDict

from aiohttp_ws.http.writer import StreamWriter


class Transport:
    def __init__(self):
        self.writes = []
        self.closing = False

    def write(self, data):
        self.writes.append(bytes(data))

    def is_closing(self):
        return self.closing


class Connection:
    def __init__(self):
        self.transport = Transport()
        self.drained = 0

    async def _drain(self):
        self.drained += 1

    @property
    def sent(self):
        return b"".join(self.transport.writes)


@pytest.fixture
def connection():
    return Connection()


@pytest.fixture
def writer(connection):
    return StreamWriter(connection)


async def test_pieces_are_written_as_they_are(writer, connection):
    await writer.write(b"ab")
    await writer.write(memoryview(b"cd"))
    await writer.write(bytearray(b"ef"))
    await writer.write(b"")
    await writer.write_eof(b"g")
    assert connection.transport.writes == [b"ab", b"cd", b"ef", b"g"]
    assert writer.output_size == 7


async def test_pieces_become_chunks(writer, connection):
    writer.enable_chunking()
    await writer.write(b"abc")
    await writer.write(b"")
    await writer.write_eof(b"d")
    assert connection.sent == b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
    assert writer.output_size == len(connection.sent)


async def test_the_end_is_written_once(writer, connection):
    writer.enable_chunking()
    await writer.write_eof()
    await writer.write_eof(b"x")
    assert connection.sent == b"0\r\n\r\n"
    assert writer.eof_written


async def test_a_head_leaves_with_the_first_piece(writer, connection):
    await writer.write_headers("HTTP/1.1 200 OK", CIMultiDict({"A": "b"}))
    assert connection.transport.writes == []
    await writer.write(b"x")
    await writer.write(b"y")
    assert connection.transport.writes == [b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nx", b"y"]


async def test_a_head_leaves_before_a_large_piece_and_is_not_copied(writer, connection):
    writer.hold_head(b"head")
    await writer.write(b"x" * 100_000)
    assert [len(data) for data in connection.transport.writes] == [4, 100_000]


@pytest.mark.parametrize("end", ["write_eof", "send_headers", "set_eof"])
async def test_a_head_without_body_leaves_alone(writer, connection, end):
    writer.hold_head(b"head")
    ending = getattr(writer, end)()
    if ending is not None:
        await ending
    assert connection.transport.writes == [b"head"]


@pytest.mark.parametrize("field", [("A", "b\r\nc"), ("A\n", "b"), ("A", "b\0")])
async def test_a_header_with_a_line_break_is_refused(writer, field):
    with pytest.raises(ValueError, match="line break"):
        await writer.write_headers("HTTP/1.1 200 OK", CIMultiDict([field]))


async def test_no_more_is_written_than_the_length_promises(writer, connection):
    writer.length = 5
    writer.hold_head(b"")
    await writer.write(b"abc")
    for more in (b"def", memoryview(b"def")):
        with pytest.raises(RuntimeError, match=r"3 bytes exceeds .* 2 bytes"):
            await writer.write(more)
    await writer.write(memoryview(b"de"))
    with pytest.raises(RuntimeError, match="1 bytes exceeds"):
        await writer.write_eof(b"j")
    assert connection.sent == b"abcde"
    assert writer.length == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_compressed(writer, connection, chunked):
    writer.enable_compression("gzip")
    if chunked:
        writer.enable_chunking()
    assert writer.compresses
    for _ in range(3):
        await writer.write(b"hello " * 1000)
    await writer.write_eof(b"end")
    raw, sent = b"", connection.sent
    while chunked and sent:
        size, _, sent = sent.partition(b"\r\n")
        raw += sent[: int(size, 16)]
        sent = sent[int(size, 16) + 2 :]
    assert gzip.decompress(raw or connection.sent) == b"hello " * 3000 + b"end"


async def test_it_waits_for_the_transport_now_and_then(writer, connection):
    await writer.write(b"x" * 60_000)
    assert connection.drained == 0
    await writer.write(b"x" * 60_000)
    assert connection.drained == 1
    await writer.write(b"x" * 60_000, drain=False)
    await writer.write(b"x" * 60_000, drain=False)
    assert connection.drained == 1
    await writer.write_eof()
    assert connection.drained == 2


@pytest.mark.parametrize("how", ["closing", "gone"])
async def test_writing_to_a_lost_connection_raises(writer, connection, how):
    if how == "gone":
        connection.transport = None
    else:
        connection.transport.closing = True
    with pytest.raises(ConnectionResetError):
        await writer.write(b"x")


async def test_sizes_are_reported():
    told = []
    connection = Connection()
    writer = StreamWriter(connection, lambda plain, sent: told.append((plain, sent)))
    writer.enable_chunking()
    await writer.write(b"abc")
    await writer.write_eof(b"d")
    assert told == [(3, 8), (1, 11)]


async def test_an_unknown_coding_is_refused(writer):
    with pytest.raises(ValueError, match="nonsense"):
        writer.enable_compression("nonsense")
