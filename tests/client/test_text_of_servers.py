"""What a server sends reaches no function that is laxer or harsher than HTTP."""

from __future__ import annotations

import gzip
import zlib

import pytest

from aiohttp_ws import errors
from tests.client.test_responses import answer


@pytest.mark.parametrize(
    ("value", "links"),
    [
        ("<a>; rel=next", [("next", "a", {})]),
        (
            '<a>;rel="next";title="x, y; <z>", <b> ; REL=prev',
            [("next", "a", {}), ("prev", "b", {})],
        ),
        (r'<a>; rel="q\"x"', [('q"x', "a", {})]),
        ("<a>; rel='next'", [("next", "a", {})]),
        ("<a>", [("a", "a", {})]),
        (",, <a>;; rel=n ;,", [("n", "a", {})]),
        ("a; rel=x, <b>; rel=y", [("y", "b", {})]),
        ('<a>; rel="open, <b>; rel=y', [("y", "b", {})]),
        ("<a", []),
        ("<http://[>; rel=x, <b>; rel=y", [("y", "b", {})]),
    ],
)
async def test_links_are_read_one_by_one(session, raw, value, links):
    server = await raw(answer(b"", f"Link: {value}"))
    async with session.get(server.url) as response:
        found = [(key, link["url"]) for key, link in response.links.items()]
        assert found == [(key, server.url / path) for key, path, _ in links]


async def test_links_of_hostile_length_are_read_at_once(session, raw):
    value = "<a>" + ' ; a = b "' * 10 + '"' + ",<a>;b=" + " " * 7000 + "x"
    server = await raw(answer(b"", f"Link: {value}"))
    async with session.get(server.url) as response:
        assert response.links["a"]["url"] == server.url / "a"


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "x-nonsense"])
async def test_a_charset_that_is_not_of_the_web_counts_as_unknown(session, raw, charset):
    server = await raw(answer(rb"\u0041-", f"Content-Type: text/plain; charset={charset}"))
    async with session.get(server.url) as response:
        assert await response.text() == r"\u0041-"
        assert response.get_encoding() == "utf-8"


@pytest.mark.parametrize("charset", ["ascii", "utf-8", "euc_jp"])
async def test_a_body_that_is_not_in_its_charset_is_an_error_that_names_it(session, raw, charset):
    server = await raw(answer(b"\xff", f"Content-Type: text/plain; charset={charset}"))
    async with session.get(server.url) as response:
        with pytest.raises(UnicodeDecodeError, match=charset):
            await response.text()


@pytest.mark.parametrize("garbage", [b"SSH-2.0\r\n\r\n", b"HTTP/3.0 200 OK\r\n\r\n"])
async def test_the_status_of_a_response_that_is_not_http_is_400(session, raw, garbage):
    server = await raw(garbage)
    with pytest.raises(errors.ClientResponseError) as caught:
        await session.get(server.url)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 " + "x" * 9000, "HTTP/1.1 200 OK\r\nA: " + "x" * 9000]
)
async def test_the_status_of_a_response_beyond_the_limits_is_400(session, raw, head):
    server = await raw(head.encode() + b"\r\n\r\n")
    with pytest.raises(errors.ClientResponseError) as caught:
        await session.get(server.url)
    assert caught.value.status == 400


@pytest.mark.parametrize("read", ["text", "json"])
async def test_an_unknown_charset_is_named_when_the_body_cannot_be_decoded(session, raw, read):
    server = await raw(answer(b"\xff", "Content-Type: application/json; charset=x-odd"))
    async with session.get(server.url) as response:
        with pytest.raises(UnicodeDecodeError, match="x-odd"):
            await getattr(response, read)()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_every_member_of_a_compressed_body_is_read(session, raw, coding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}[coding]
    parts = [b"one", b"", b"two" * 100_000, b"three"]
    server = await raw(answer(b"".join(map(pack, parts)), f"Content-Encoding: {coding}"))
    async with session.get(server.url) as response:
        assert await response.read() == b"".join(parts)
