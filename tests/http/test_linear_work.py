"""What a peer sends costs no more than linear work.

Work is counted in lines of Python that run, which no clock disturbs: an input twice as long may
take twice as many. What one line costs inside a regular expression is the subject of
``test_regular_expressions.py``; that a long input is read at all shows the rest.
"""

from __future__ import annotations

import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aiohttp_ws.client.cookie_rules import parse_cookie_date
from aiohttp_ws.client.response import ClientResponse
from aiohttp_ws.errors import HandshakeError
from aiohttp_ws.http.codings import accepted_weights, choose_coding
from aiohttp_ws.http.compression import Compressor, Decompressor
from aiohttp_ws.http.cookies import parse_cookie_header, parse_set_cookie
from aiohttp_ws.http.dates import parse_http_date
from aiohttp_ws.http.disposition import content_disposition_filename, parse_content_disposition
from aiohttp_ws.http.headers import (
    parse_content_type,
    parse_etags,
    parse_forwarded,
    parse_range,
)
from aiohttp_ws.http.multipart_reader import MultipartReader
from aiohttp_ws.http.streams import StreamReader
from aiohttp_ws.web.file_types import accepted_encodings
from aiohttp_ws.wire.extensions import parse_extensions


class Answer(ClientResponse):
    """A response that is its ``Link`` field."""

    def __init__(self, value):
        self._headers = CIMultiDictProxy(CIMultiDict(Link=value))

    url = URL("http://a.example/")

    def __del__(self):
        """Holds no connection."""


def disposition(value):
    return content_disposition_filename(parse_content_disposition(value)[1])


PARSERS = {
    "links": lambda value: Answer(value).links,
    "content_disposition": disposition,
    "content_type": parse_content_type.__wrapped__,
    "forwarded": lambda value: parse_forwarded([value]),
    "cookies": parse_cookie_header,
    "set_cookie": parse_set_cookie,
    "cookie_date": parse_cookie_date,
    "accept_encoding": accepted_weights.__wrapped__,
    "choose_coding": lambda value: (accepted_weights.cache_clear(), choose_coding(value)),
    "accepted_encodings": lambda value: (
        accepted_weights.cache_clear(),
        accepted_encodings.__wrapped__(value),
    ),
    "etags": parse_etags,
    "range": parse_range,
    "date": parse_http_date,
    "extensions": parse_extensions,
}
PARTS = ['"', "\\", ";", ",", "=", " ", "\t", "a", "<a>", "<", ">", "*", "'", "W/", ' ; a = b "']
PARTS += ["filename*0=a", "a*=utf-8''%41", "q=1", "bytes=", "1-", "/", ":", "Jan", '";a="', "\\;"]
fragments = st.lists(st.sampled_from(PARTS), max_size=4).map("".join)


def steps(function, *arguments):
    """How many lines run in a call."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    except (ValueError, HandshakeError):
        pass
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", PARSERS)
@given(begin=fragments, unit=fragments.filter(bool), end=fragments)
def test_twice_the_value_takes_at_most_twice_the_work(name, begin, unit, end):
    def parse(times):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return steps(PARSERS[name], begin + unit * times + end)

    parse(2)  # what is made once
    assert parse(128) <= 2.2 * parse(64) + 200


HOSTILE = [
    "<a>" + ' ; a = b "' * 6000,
    "<a>;b=" + " " * 60_000,
    "attachment; filename=" + " " * 60_000 + "x y",
    'attachment; filename="' + "\\" * 60_000,
    "attachment; filename=" + "x" * 60_000,
    "attachment" + ";" * 60_000,
    "text/html;" + " ;" * 30_000,
    "a" * 60_000,
    '"' * 60_000,
    "for=" * 15_000,
    "," * 60_000,
    "a=" + '"' + "," * 60_000,
    "; " * 30_000,
    "bytes=" + "1" * 60_000 + "-",
    " " * 60_000 + "x",
]


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.filterwarnings("ignore")
def test_a_long_hostile_value_is_read_at_once(name, value):
    try:
        PARSERS[name](value)
    except (ValueError, HandshakeError):
        pass


class Feed:
    def pause_reading(self):
        """Nothing is fed after."""

    resume_reading = pause_reading


class Reader(StreamReader):
    """Counts the bytes that are put back."""

    def put_back(self, data):
        Piece.copied += len(data)
        super().put_back(data)


async def reader_of(body, pieces=1):
    reader = Reader(Feed(), 2**30)
    size = max(1, len(body) // pieces)
    for at in range(0, len(body), size):
        reader.feed_data(body[at : at + size])
    reader.feed_eof()
    return reader


class Piece(bytes):
    """Counts the bytes that are copied out of it."""

    copied = 0

    def __getitem__(self, index):
        taken = super().__getitem__(index)
        Piece.copied += len(taken)
        return taken


async def lines(reader):
    assert [line async for line in reader] == [b"\n"] * 20_000


async def until(reader):
    while not reader.at_eof():
        assert await reader.readuntil(b"\n\n") == b"\n\n"


async def small(reader):
    while await reader.read(1):
        pass


async def exact(reader):
    while not reader.at_eof():
        await reader.readexactly(2)


async def put_back(reader):
    while data := await reader.read(2):
        reader.put_back(data[1:])


@pytest.mark.parametrize("read", [lines, until, small, exact, put_back])
async def test_reading_a_piece_bit_by_bit_copies_each_byte_a_few_times(read):
    Piece.copied = 0
    reader = await reader_of(b"")
    reader._eof = False
    reader.feed_data(Piece(b"\n" * 20_000))
    reader.feed_eof()
    await read(reader)
    assert Piece.copied <= 3 * 20_000


async def test_chunks_of_a_byte_are_read_one_by_one_without_copying_the_rest():
    Piece.copied = 0
    reader = await reader_of(b"")
    reader._eof = False
    reader.mark_chunk_ends(range(1, 20_001))
    reader.feed_data(Piece(b"x" * 20_000))
    reader.feed_eof()
    assert [chunk async for chunk in reader.iter_chunks()] == [(b"x", True)] * 20_000
    assert Piece.copied <= 2 * 20_000


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 10_000])
async def test_lines_are_found_however_the_body_arrives(pieces):
    body = b"one\r\ntwo\r\n\r\nthree\r\r\nfour"
    reader = await reader_of(body, pieces)
    found = []
    while not reader.at_eof():
        found.append(await reader.readuntil(b"\r\n"))
    assert found == [b"one\r\n", b"two\r\n", b"\r\n", b"three\r\r\n", b"four"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_many_short_members_are_inflated_without_copying_the_rest_for_each(coding):
    compressor = Compressor(coding)
    member = compressor.compress(b"x") + compressor.flush()
    decompressor = Decompressor(coding)
    make, left = decompressor._make, 0

    class Counting:
        def __init__(self, first):
            self.decoder = make(first)

        def decompress(self, data, room=0):
            nonlocal left
            piece = self.decoder.decompress(data, room)
            left += len(self.decoder.unused_data) + len(self.decoder.unconsumed_tail)
            return piece

        def __getattr__(self, name):
            return getattr(self.decoder, name)

    decompressor._make = Counting
    body = member * 20_000
    assert decompressor.decompress(body) == b"x" * 20_000
    assert left <= 60 * len(body)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_large_body_is_inflated_in_steps_without_copying_the_rest_for_each(coding):
    compressor = Compressor(coding)
    packed = compressor.compress(bytes(2**24)) + compressor.flush()
    decompressor = Decompressor(coding)
    size = len(decompressor.decompress(packed * 4, 2**16))
    while decompressor.unconsumed:
        size += len(decompressor.decompress(b"", 2**16))
    assert size == 2**26


HOSTILE_MESSAGES = {
    "a boundary cut at every byte": (b"--b\r\n\r\n", b"\r\n--", 1),
    "beginnings of boundaries": (b"--b\r\n\r\n", b"\r\n--", 7),
    "line ends": (b"--b\r\n\r\n", b"\r", 1),
    "pairs of line ends": (b"--b\r\n\r\n", b"\r\n", 64),
    "empty parts": (b"", b"--b\r\n\r\n", 4096),
    "headers": (b"--b\r\n", b"a:1\r\n", 5),
    "a preamble of near-boundaries": (b"", b"\n--bb", 64),
    "spaces in base64": (b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nA", b" ", 64),
}


@pytest.mark.parametrize("name", HOSTILE_MESSAGES)
async def test_a_hostile_multipart_message_takes_work_in_proportion_to_its_size(name):
    begin, unit, size = HOSTILE_MESSAGES[name]

    async def read(times):
        body = begin + unit * times
        content = StreamReader(Feed(), 2**30)
        for at in range(0, len(body), size):
            content.feed_data(body[at : at + size])
        content.feed_eof()
        message = MultipartReader({"Content-Type": "multipart/mixed; boundary=b"}, content)
        try:
            async for part in message:
                while await part.read_chunk(64):
                    pass
        except ValueError:
            pass

    async def counted(times):
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            count += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            await read(times)
        finally:
            sys.settrace(before)
        return count

    await counted(2)  # what is made once
    assert await counted(1024) <= 2.2 * await counted(512) + 500
