"""What old servers, cameras and routers send: aiohttp's client reads it, and so does ours."""

from __future__ import annotations

import aiohttp
import pytest

from aiohttp_ws import ClientError, ClientPayloadError, ClientResponseError

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 3\r\n\r\nabc"
CHUNKED = OK + b"X: a\r\nTransfer-Encoding: chunked\r\n\r\n"

READ = {
    "lines that end in LF": OK.replace(b"\r", b"") + b"X: a\nContent-Length: 3\n\nabc",
    "an empty line first": b"\r\n" + OK + b"X: a\r\n" + LENGTH,
    "an empty line of LF first": b"\n" + OK + b"X: a\r\n" + LENGTH,
    "a folded field": OK + b"X: a\r\n b\r\n" + LENGTH,
    "a control character in a value": OK + b"X: a\x01b\x7f\r\n" + LENGTH,
    "a control character in a reason": b"HTTP/1.1 200 O\x01K\r\nX: a\r\n" + LENGTH,
    "a space after a chunk size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "a tab after a chunk size": CHUNKED + b"3\t\r\nabc\r\n0\r\n\r\n",
    "two Hosts": OK + b"Host: a\r\nX: a\r\nHost: b\r\n" + LENGTH,
    "no reason": b"HTTP/1.1 200\r\nX: a\r\n" + LENGTH,
    "no reason after a space": b"HTTP/1.1 200 \r\nX: a\r\n" + LENGTH,
}


@pytest.mark.peer("aiohttp")
@pytest.mark.parametrize("answer", READ.values(), ids=READ)
async def test_what_aiohttp_reads_is_read_alike_and_the_connection_kept(session, raw, answer):
    server = await raw(answer)
    async with aiohttp.ClientSession() as theirs, theirs.get(server.url) as response:
        expected = (response.status, response.reason, response.headers["X"], await response.read())
    for _ in range(2):
        async with session.get(server.url) as response:
            body = await response.read()
            got = (response.status, response.reason, response.headers["X"], body)
        assert got == expected
    assert server.connections == 2


async def test_a_forbidden_trailer_is_ignored(session, raw):
    server = await raw(CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n")
    for _ in range(2):
        async with session.get(server.url) as response:
            assert await response.read() == b"abc"
            assert not response.cookies
    assert server.connections == 1


async def test_an_odd_interim_answer_is_read(session, raw):
    server = await raw(b"HTTP/1.1 103 Early Hints\nLink: a\n\n" + OK + LENGTH)
    async with session.get(server.url) as response:
        assert await response.read() == b"abc"


REFUSED = {
    "two lengths": OK + b"Content-Length: 3\r\n" + LENGTH,
    "a folded length": OK + b"Content-Length: 3\r\n 3\r\n\r\nabc",
    "a length and chunks": OK + b"Transfer-Encoding: chunked\r\n" + LENGTH,
    "CR alone": OK + b"X: a\rb\r\n" + LENGTH,
    "CR alone in a reason": b"HTTP/1.1 200 O\rK\r\n" + LENGTH,
    "NUL": OK + b"X: a\x00b\r\n" + LENGTH,
    "a bad chunk size": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "white space before a chunk size": CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n",
    "two chunk sizes": CHUNKED + b"3 3\r\nabc\r\n0\r\n\r\n",
    "LF after a chunk size": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
async def test_what_leaves_the_length_of_the_body_open_closes_the_connection(session, raw, answer):
    server = await raw(answer)
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            async with session.get(server.url) as response:
                await response.read()
        assert isinstance(caught.value, (ClientResponseError, ClientPayloadError))
    assert server.connections == 2
    assert not session.connector._idle_count
