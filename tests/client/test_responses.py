"""What a response offers, and what becomes of one that is not what it should be."""

import asyncio
import gc
import gzip
import json
import warnings
import zlib

import pytest
from aiohttp import web
from yarl import URL

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession
from tests.client.waiting import standstill, until


def answer(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields]
    if not any(field.lower().startswith(("content-length", "transfer")) for field in fields):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def test_the_head_of_a_response(session, raw):
    server = await raw(
        answer(
            b"body",
            "Content-Type: text/html; charset=Latin-1",
            "X-Thing: a",
            "x-thing: b",
            'Content-Disposition: attachment; filename="a b.txt"',
            "Set-Cookie: c=1; Path=/",
            "Set-Cookie: [d]=2",
            'Link: <next?p=2>; rel=next, </last>; rel="last"',
            status="299 Fine",
        )
    )
    async with session.get(server.url.join(URL("p?q=1#part"))) as response:
        assert (response.status, response.reason, response.ok) == (299, "Fine", True)
        assert response.version == (1, 1)
        assert response.version.minor == 1
        assert response.headers.getall("X-Thing") == ["a", "b"]
        assert (b"x-thing", b"b") in response.raw_headers
        assert response.content_type == "text/html"
        assert response.charset == "Latin-1"
        assert response.content_length == 4
        assert response.content_disposition.filename == "a b.txt"
        assert response.content_disposition.type == "attachment"
        assert response.cookies["c"].value == "1"
        assert response.cookies["[d]"].value == "2"
        assert response.links["next"]["url"] == server.url / "next" % {"p": "2"}
        assert response.links["last"]["url"] == server.url / "last"
        assert response.method == "GET"
        assert response.url == server.url / "p" % {"q": "1"}
        assert response.real_url.fragment == "part"
        assert response.host == "127.0.0.1"
        assert response.history == ()
        assert response.request_info.url == response.url
        assert response.request_info.headers["Host"]
        assert "299 Fine" in repr(response)
        assert await response.text() == "body"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=latin-1", "é".encode("latin-1"), "é"),
        ("text/plain; charset=nonsense", "é".encode(), "é"),
        ("text/plain; charset=zlib", "é".encode(), "é"),
        ("text/plain", "é".encode(), "é"),
        ("application/json; charset=cp1251", "ж".encode("cp1251"), "ж"),
        ("application/json", "é".encode(), "é"),
    ],
)
async def test_text_is_decoded_by_charset(session, raw, content_type, body, text):
    server = await raw(answer(body, f"Content-Type: {content_type}"))
    async with session.get(server.url) as response:
        assert await response.text() == text
        assert await response.text(encoding="utf-16", errors="replace") != text


async def test_a_fallback_charset_can_be_resolved_from_the_body(raw):
    server = await raw(answer("é".encode("cp1252"), "Content-Type: text/plain"))
    async with (
        ClientSession(fallback_charset_resolver=lambda r, body: "cp1252") as session,
        session.get(server.url) as response,
    ):
        with pytest.raises(RuntimeError, match="read"):
            response.get_encoding()
        assert await response.text() == "é"


async def test_json_checks_the_content_type(session, raw):
    server = await raw(answer(b'{"a": 1}', "Content-Type: text/plain"))
    async with session.get(server.url) as response:
        with pytest.raises(errors.ContentTypeError, match="text/plain") as caught:
            await response.json()
        assert caught.value.status == 200
        assert caught.value.headers["Content-Type"] == "text/plain"
        assert await response.json(content_type=None) == {"a": 1}
        assert await response.json(content_type="text/plain", loads=len) == 8
    server = await raw(answer(b"  ", "Content-Type: application/problem+json"))
    async with session.get(server.url) as response:
        assert await response.json() is None
    server = await raw(answer(b"{", "Content-Type: application/json"))
    async with session.get(server.url) as response:
        with pytest.raises(json.JSONDecodeError):
            await response.json()


async def test_raise_for_status(session, raw):
    server = await raw(answer(b"gone", "X: y", status="410 Gone"))
    async with session.get(server.url) as response:
        with pytest.raises(errors.ClientResponseError, match="410, message='Gone'") as caught:
            response.raise_for_status()
        assert (caught.value.status, caught.value.message) == (410, "Gone")
        assert caught.value.headers["X"] == "y"
        assert str(server.url) in str(caught.value)
    with pytest.raises(errors.ClientResponseError):
        await session.get(server.url, raise_for_status=True)

    async def check(response):
        raise LookupError(response.status)

    async with ClientSession(raise_for_status=check) as strict:
        with pytest.raises(LookupError):
            await strict.get(server.url)
        async with strict.get(server.url, raise_for_status=False) as response:
            assert response.status == 410


# ------------------------------------------------------------------------------- bodies


async def test_a_body_can_be_read_in_pieces(session, serve):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(5):
            await response.write(b"line %d\n" % number)
        return response

    url = await serve(handler)
    async with session.get(url) as response:
        lines = [line async for line in response.content]
    assert lines == [b"line %d\n" % number for number in range(5)]


async def test_a_large_download_is_held_back_by_a_slow_reader(session, raw):
    sent = 0

    async def talk(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(1024):
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    server = await raw(talk)
    async with session.get(server.url, read_bufsize=65536) as response:
        await standstill(lambda: sent)
        assert sent < 32 * 2**20
        assert response.content._size < 2**20
        assert len(await response.read()) == 2**26
    assert response.closed


@pytest.mark.parametrize("raw_deflate", [False, True])
async def test_deflate_is_decoded_with_and_without_zlib_frame(session, raw, raw_deflate):
    packer = zlib.compressobj(wbits=-15 if raw_deflate else 15)
    body = packer.compress(b"hello " * 1000) + packer.flush()
    server = await raw(answer(body, "Content-Encoding: deflate"))
    async with session.get(server.url) as response:
        assert await response.read() == b"hello " * 1000


async def test_gzip_is_decoded_unless_told_not_to(session, raw):
    body = gzip.compress(b"one") + gzip.compress(b"two")
    server = await raw(answer(body, "Content-Encoding: gzip"))
    async with session.get(server.url) as response:
        assert await response.read() == b"onetwo"
        assert response.headers["Content-Encoding"] == "gzip"
    async with session.get(server.url, auto_decompress=False) as response:
        assert await response.read() == body
    async with ClientSession(auto_decompress=False) as plain, plain.get(server.url) as response:
        assert await response.read() == body


async def test_a_compression_bomb_inflates_only_as_it_is_read(session, raw):
    packer = zlib.compressobj(9)
    size = 256 * 2**20
    body = b"".join(packer.compress(bytes(2**20)) for _ in range(256)) + packer.flush()
    server = await raw(answer(body, "Content-Encoding: deflate"))
    async with session.get(server.url) as response:
        read = len(await response.content.read(10))
        assert response.content._size < 2 * 2**20
        async for piece in response.content.iter_any():
            assert response.content._size < 2 * 2**20
            read += len(piece)
    assert read == size


@pytest.mark.parametrize(
    "body", [b"not gzip at all", gzip.compress(b"x" * 1000)[:-10]], ids=["corrupt", "cut"]
)
async def test_corrupt_compression_is_a_payload_error(session, raw, body):
    server = await raw(answer(body, "Content-Encoding: gzip"))
    async with session.get(server.url) as response:
        with pytest.raises(errors.ClientPayloadError):
            await response.read()
    assert session.connector._idle_count == 0


async def test_an_empty_body_may_claim_to_be_compressed(session, raw):
    server = await raw(answer(b"0\r\n\r\n", "Content-Encoding: gzip", "Transfer-Encoding: chunked"))
    async with session.get(server.url) as response:
        assert await response.read() == b""


async def test_a_body_without_length_ends_with_the_connection(session, raw):
    server = await raw(b"HTTP/1.0 200 OK\r\n\r\nall of it", close=True)
    async with session.get(server.url) as response:
        assert response.version == (1, 0)
        assert await response.text() == "all of it"
    server = await raw(b"HTTP/1.1 200 OK\r\n\r\nnot read", close=True)
    async with session.get(server.url, read_until_eof=False) as response:
        assert await response.read() == b""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_statuses_without_body_keep_the_connection(session, raw, status):
    server = await raw(f"HTTP/1.1 {status}\r\nX: y\r\n\r\n".encode())
    for _ in range(2):
        async with session.get(server.url) as response:
            assert await response.read() == b""
    assert server.connections == 1


async def test_interim_responses_are_passed_over(session, raw):
    server = await raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
        + answer(b"final")
    )
    async with session.get(server.url) as response:
        assert (response.status, await response.text()) == (200, "final")


# -------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_a_broken_body_is_a_payload_error(session, raw, body):
    server = await raw(body, close=True)
    async with session.get(server.url) as response:
        with pytest.raises(errors.ClientPayloadError):
            await response.read()
    assert session.connector._taken == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_response_error(session, raw, garbage):
    server = await raw(garbage)
    with pytest.raises(errors.ClientResponseError) as caught:
        await session.get(server.url)
    assert caught.value.message
    assert caught.value.request_info.url == server.url
    assert session.connector._taken == 0


async def test_limits_of_heads_can_be_raised(session, raw):
    server = await raw(answer(b"ok", "X: " + "y" * 9000))
    with pytest.raises(errors.ClientResponseError):
        await session.get(server.url)
    async with session.get(server.url, max_field_size=10_000) as response:
        assert len(response.headers["X"]) == 9000
    async with ClientSession(max_headers=1) as strict:
        with pytest.raises(errors.ClientResponseError):
            await strict.get(server.url)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200"], ids=["nothing", "half a line"])
async def test_a_server_that_hangs_up_is_a_disconnect(session, raw, sent):
    server = await raw(sent, close=True)
    with pytest.raises(errors.ServerDisconnectedError):
        await session.get(server.url)
    assert session.connector._taken == 0


async def test_bytes_nobody_asked_for_close_the_connection(session, raw):
    server = await raw(answer(b"ok") + answer(b"extra"))
    async with session.get(server.url) as response:
        assert await response.text() == "ok"
    async with session.get(server.url) as response:
        assert await response.text() == "ok"
    assert server.connections == 2


# --------------------------------------------------------------------------- its ending


async def test_a_body_not_read_costs_the_connection_only(session, raw):
    server = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    async with session.get(server.url) as response:
        assert response.connection is not None
    assert response.closed
    with pytest.raises(errors.ClientConnectionError, match="closed"):
        await response.read()
    assert session.connector._taken == 0
    assert session.connector._idle_count == 0


async def test_a_body_read_before_stays_readable_after_the_end(session, raw):
    server = await raw(answer(b"kept"))
    async with session.get(server.url) as response:
        await response.read()
    assert await response.text() == "kept"


async def test_a_forgotten_response_warns_and_closes(session, raw):
    server = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    response = await session.get(server.url)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del response
        gc.collect()
    assert any("Unclosed response" in str(warning.message) for warning in caught)
    assert session.connector._taken == 0


async def test_a_cancelled_request_closes_its_connection(session, raw):
    asked = asyncio.Event()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        assert await reader.read() == b""

    server = await raw(talk)
    task = asyncio.create_task(session.get(server.url))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert session.connector._taken == 0


@pytest.mark.parametrize("end", ["release", "close", "context"])
async def test_a_body_not_read_is_gone_with_the_response(session, raw, end):
    response = await session.get((await raw(answer(b"small"))).url)
    # All of the body has come; that must make no difference.
    await until(response.content.is_eof)
    if end == "context":
        async with response:
            pass
    else:
        getattr(response, end)()
    with pytest.raises(errors.ClientConnectionError, match="closed"):
        await response.read()
    with pytest.raises(errors.ClientConnectionError, match="closed"):
        await response.content.read()


async def test_a_body_read_stays_with_the_response(session, raw):
    async with session.get((await raw(answer(b"small"))).url) as response:
        await response.read()
    assert await response.text() == "small"
