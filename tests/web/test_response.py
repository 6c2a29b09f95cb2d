"""Responses: how they are made, and what leaves."""

from __future__ import annotations

import asyncio
import datetime
import io
import time

import pytest

from aiohttp_ws import JsonPayload, web
from aiohttp_ws.http.codings import is_supported
from aiohttp_ws.http.compression import Decompressor
from aiohttp_ws.http.headers import ETag
from tests.web.raw_server import get, running
from tests.web.serving import serving

CLOSE = "Connection: close"


async def sent(make, *fields, method="GET", version="1.1"):
    """Head (lines) and body of what *make* returns, as the client gets it."""

    async def handler(request):
        result = make(request) if make.__code__.co_argcount else make()
        return await result if asyncio.iscoroutine(result) else result

    async with running(handler, access_log=None) as server:
        raw = await server.exchange(get("/", CLOSE, *fields, method=method, version=version))
    head, _, body = raw.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def unchunked(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        out += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return out


# --------------------------------------------------------------------------- construction


@pytest.mark.parametrize(
    ("kwargs", "headers", "body"),
    [
        ({}, {}, None),
        ({"text": "h"}, {"Content-Type": "text/plain; charset=utf-8"}, b"h"),
        ({"body": b"x"}, {}, b"x"),
        ({"body": bytearray(b"x")}, {}, b"x"),
        (
            {"text": "я", "content_type": "text/html", "charset": "koi8-r"},
            {"Content-Type": "text/html; charset=koi8-r"},
            "я".encode("koi8-r"),
        ),
        (
            {"text": "x", "headers": {"Content-Type": "a/b"}},
            {"Content-Type": "a/b; charset=utf-8"},
            b"x",
        ),
        (
            {"text": "x", "headers": {"Content-Type": "a/b; charset=latin1"}},
            {"Content-Type": "a/b; charset=latin1"},
            b"x",
        ),
        ({"body": b"x", "charset": "utf-8"}, {}, b"x"),
        (
            {"body": b"x", "content_type": "text/x", "charset": "utf-8"},
            {"Content-Type": "text/x; charset=utf-8"},
            b"x",
        ),
        ({"content_type": "text/x"}, {"Content-Type": "text/x"}, None),
    ],
)
def test_body_and_type_follow_the_arguments(kwargs, headers, body):
    response = web.Response(**kwargs)
    assert dict(response.headers) == headers
    assert response.body == body
    assert response.content_length == len(body or b"")


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"body": b"x", "text": "y"}, ValueError),
        ({"text": "x", "content_type": "text/html; charset=a"}, ValueError),
        ({"text": "x", "content_type": "a/b", "headers": {"Content-Type": "a/b"}}, ValueError),
        ({"body": b"x", "charset": "a", "headers": {"Content-Type": "a/b"}}, ValueError),
        ({"text": b"x"}, TypeError),
        ({"body": 123}, ValueError),
        ({"reason": "a\nb"}, ValueError),
    ],
)
def test_contradictions_are_refused(kwargs, error):
    with pytest.raises(error):
        web.Response(**kwargs)


def test_text_can_be_read_and_replaced():
    response = web.Response(text="a")
    assert response.text == "a"
    response.charset = "koi8-r"
    response.text = "я"
    assert response.body == "я".encode("koi8-r")
    response.body = None
    assert response.text is None
    with pytest.raises(TypeError):
        response.text = b"x"


def test_status_and_reason():
    assert web.Response().reason == "OK"
    assert web.Response(status=404, reason="x").reason == "x"
    response = web.Response(status=999)
    assert (response.status, response.reason) == (999, "")
    response.set_status(404)
    assert (response.status, response.reason) == (404, "Not Found")


def test_json_response():
    response = web.json_response({"a": 1}, status=201, headers={"X": "y"})
    assert response.status == 201
    assert response.headers["X"] == "y"
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.body == b'{"a": 1}'
    assert web.json_response(text="1").body == b"1"
    assert web.json_response(body=b"1").headers["Content-Type"] == "application/json"
    assert web.json_response([], dumps=lambda value: "zz").text == "zz"
    with pytest.raises(ValueError, match="pass one"):
        web.json_response({}, text="x")


def test_json_bytes_response():
    response = web.json_bytes_response({}, dumps=lambda value: b"zz")
    assert response.body == b"zz"
    assert response.headers["Content-Type"] == "application/json"
    with pytest.raises(ValueError, match="pass one"):
        web.json_bytes_response({}, dumps=lambda value: b"", body=b"x")


# --------------------------------------------------------------------------------- state


def test_a_response_is_a_mapping_true_and_equal_to_itself_only():
    response = web.StreamResponse()
    assert response
    assert response != web.StreamResponse()
    key = web.ResponseKey("a", int)
    response[key] = 1
    assert dict(response) == {key: 1}
    del response[key]
    assert not len(response)
    assert hash(response) == hash(response)


def test_a_plain_key_is_warned_of_once():
    name = f"key {time.monotonic_ns()}"
    with pytest.warns(web.NotAppKeyWarning, match="ResponseKey"):
        web.Response()[name] = 1
    web.Response()[name] = 2


def test_headers_have_properties():
    response = web.StreamResponse()
    response.content_type = "a/b"
    response.charset = "X"
    assert response.headers["Content-Type"] == "a/b; charset=x"
    response.content_length = 5
    assert response.headers["Content-Length"] == "5"
    response.content_length = None
    assert "Content-Length" not in response.headers
    for value in (1.5, datetime.datetime(1970, 1, 1, 0, 0, 2, tzinfo=datetime.timezone.utc)):
        response.last_modified = value
        assert response.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:02 GMT"
    assert response.last_modified.timestamp() == 2
    response.last_modified = None
    assert response.last_modified is None
    for value, field in (("a", '"a"'), ("*", "*"), (ETag("v", is_weak=True), 'W/"v"')):
        response.etag = value
        assert response.headers["Etag"] == field
    assert response.etag == ETag("v", is_weak=True)
    response.etag = None
    assert response.etag is None


def test_what_makes_no_sense_is_refused():
    response = web.StreamResponse()
    with pytest.raises(RuntimeError, match="content_type"):
        response.charset = "utf-8"
    with pytest.raises(ValueError, match="etag"):
        response.etag = 5
    with pytest.raises(ValueError, match="not a valid etag"):
        response.etag = 'a"b'
    with pytest.raises(TypeError, match="ContentCoding"):
        response.enable_compression(5)
    with pytest.raises(RuntimeError, match="body"):
        web.Response().content_length = 3
    response.enable_chunked_encoding()
    with pytest.raises(RuntimeError, match="chunked"):
        response.content_length = 3
    response = web.StreamResponse(headers={"Content-Length": "3"})
    with pytest.raises(RuntimeError, match="length"):
        response.enable_chunked_encoding()


async def test_writing_needs_a_prepared_response_and_bytes():
    response = web.StreamResponse()
    assert not response.prepared
    with pytest.raises(RuntimeError, match=r"before prepare\(\)"):
        await response.write(b"x")
    with pytest.raises(RuntimeError, match=r"before prepare\(\)"):
        await response.write_eof()
    with pytest.raises(TypeError, match="str"):
        await response.write("x")


# ------------------------------------------------------------------------------- sending


async def test_the_head_has_type_length_date_and_server():
    head, body = await sent(lambda: web.Response(text="hello"))
    names = [line.partition(":")[0] for line in head[1:]]
    assert head[0] == "HTTP/1.1 200 OK"
    assert names == ["Content-Type", "Content-Length", "Date", "Server", "Connection"]
    assert body == b"hello"


async def test_given_headers_are_sent_and_not_doubled():
    head, _ = await sent(
        lambda: web.Response(body=b"x", headers={"Date": "d", "Server": "s", "X": "é"})
    )
    assert head[1:6] == ["Date: d", "Server: s", "X: é", head[4], "Content-Length: 1"]
    assert head.count("Date: d") == 1


async def test_a_body_of_bytes_has_a_default_type_and_no_body_has_none():
    head, _ = await sent(lambda: web.Response(body=b"x"))
    assert "Content-Type: application/octet-stream" in head
    head, _ = await sent(lambda: web.Response())
    assert "Content-Length: 0" in head
    assert not any(line.startswith("Content-Type") for line in head)


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body_send_none(status):
    head, body = await sent(lambda: web.Response(status=status))
    assert body == b""
    assert not any(line.startswith(("Transfer-Encoding", "Content-Type")) for line in head)
    if status == 204:
        assert not any(line.startswith("Content-Length") for line in head)


@pytest.mark.parametrize("make", [lambda: web.Response(text="abc"), lambda r: stream(r)])
async def test_head_has_the_headers_of_get_and_no_body(make):
    head, body = await sent(make, method="HEAD")
    assert body == b""
    assert head[0] == "HTTP/1.1 200 OK"


async def stream(request, pieces=(b"one", b"", b"two"), **kwargs):
    response = web.StreamResponse(**kwargs)
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


async def test_a_stream_is_chunked_over_http_11():
    head, body = await sent(lambda r: stream(r))
    assert "Transfer-Encoding: chunked" in head
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_a_stream_ends_with_the_connection_over_http_10():
    head, body = await sent(lambda r: stream(r), "Connection: keep-alive", version="1.0")
    assert not any(line.startswith(("Transfer-Encoding", "Connection")) for line in head)
    assert body == b"onetwo"


async def test_a_stream_of_known_length_is_not_chunked():
    head, body = await sent(lambda r: stream(r, headers={"Content-Length": "6"}))
    assert "Content-Length: 6" in head
    assert body == b"onetwo"


async def test_a_prepared_response_knows_its_request():
    async def make(request):
        response = web.StreamResponse()
        assert response.task is None
        writer = await response.prepare(request)
        assert await response.prepare(request) is writer
        assert response.prepared
        assert response.task is request.task
        assert response.keep_alive is False
        assert "GET /" in repr(response)
        with pytest.raises(RuntimeError, match="status"):
            response.set_status(404)
        await response.write_eof(b"abc")
        await response.write_eof()
        assert "eof" in repr(response)
        assert response.body_length == len(b"3\r\nabc\r\n0\r\n\r\n")
        with pytest.raises(RuntimeError, match=r"after write_eof\(\)"):
            await response.write(b"x")
        return response

    head, body = await sent(make)
    assert head[0] == "HTTP/1.1 200 OK"
    assert unchunked(body) == b"abc"


async def test_the_head_of_a_stream_leaves_before_its_body():
    arrived = asyncio.Event()

    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await arrived.wait()
        return response

    async with running(handler) as server, server.connect() as peer:
        peer.send(get())
        await asyncio.wait_for(peer.reader.readuntil(b"\r\n\r\n"), 5)
        arrived.set()
        assert await peer.reader.readexactly(5) == b"0\r\n\r\n"


async def test_chunked_encoding_can_be_chosen():
    def make():
        response = web.Response(body=b"abc")
        response.enable_chunked_encoding()
        return response

    head, body = await sent(make)
    assert "Transfer-Encoding: chunked" in head
    assert unchunked(body) == b"abc"


async def test_cookies_are_sent():
    def make():
        response = web.Response()
        response.set_cookie("a", "b", max_age=3, httponly=True, samesite="Lax")
        response.set_cookie("gone", "x")
        response.del_cookie("c")
        response.del_cookie("gone")
        return response

    head, _ = await sent(make)
    cookies = [line.partition(": ")[2] for line in head if line.startswith("Set-Cookie")]
    assert len(cookies) == 3
    assert cookies[0].startswith("a=b; ")
    assert {"HttpOnly", "Max-Age=3", "Path=/", "SameSite=Lax"} <= set(cookies[0].split("; "))
    assert all("Max-Age=0" in cookie for cookie in cookies[1:])


async def generated():
    yield b"one"
    yield b"two"


@pytest.mark.parametrize(
    ("make", "body", "framing"),
    [
        (lambda: "text", b"text", "Content-Length: 4"),
        (lambda: memoryview(b"view"), b"view", "Content-Length: 4"),
        (lambda: JsonPayload([1]), b"[1]", "Content-Length: 3"),
        (lambda: io.BytesIO(b"file"), b"file", "Content-Length: 4"),
        (generated, b"onetwo", "Transfer-Encoding: chunked"),
    ],
)
async def test_a_body_may_be_anything_with_a_payload(make, body, framing):
    head, raw = await sent(lambda: web.Response(body=make()))
    assert framing in head
    assert (unchunked(raw) if "chunked" in framing else raw) == body


# --------------------------------------------------------------------------- compression

PLAIN = b"hello " * 3000


def unpacked(head, body):
    if "Transfer-Encoding: chunked" in head:
        body = unchunked(body)
    (coding,) = (line.split(": ")[1] for line in head if line.startswith("Content-Encoding"))
    return Decompressor(coding).decompress(body)


def packed_response(**kwargs):
    response = web.Response(body=PLAIN, content_type="text/plain", **kwargs)
    response.enable_compression()
    return response


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate", "deflate"),
        ("deflate;q=0.5, gzip", "gzip"),
        ("gzip;q=0, *", "deflate"),
        ("compress", None),
        ("gzip;q=0.5, br", "br"),
        ("gzip;q=0.5, zstd, br;q=0.7", "zstd"),
        ("gzip, br", "gzip"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=nonsense", None),
    ],
)
@pytest.mark.parametrize("executor_size", [None, 10**6])
async def test_a_coding_the_client_accepts_is_used(accepted, coding, executor_size):
    if coding is not None and not is_supported(coding):
        pytest.skip(f"no package for {coding}: pip install aiohttp_ws[speedups]")
    head, body = await sent(
        lambda: packed_response(zlib_executor_size=executor_size), f"Accept-Encoding: {accepted}"
    )
    assert "Vary: Accept-Encoding" in head
    assert f"Content-Length: {len(body)}" in head
    if coding is None:
        assert body == PLAIN
    else:
        assert f"Content-Encoding: {coding}" in head
        assert unpacked(head, body) == PLAIN


async def test_a_coding_can_be_forced():
    def make():
        response = web.Response(body=PLAIN)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    head, body = await sent(make)
    assert "Content-Encoding: gzip" in head
    assert unpacked(head, body) == PLAIN


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_stream_is_compressed_as_it_goes(version):
    async def make(request):
        response = web.StreamResponse()
        response.enable_compression(web.ContentCoding.gzip)
        response.content_length = 9  # of the plain body: not what leaves
        await response.prepare(request)
        for _ in range(3):
            await response.write(PLAIN)
        return response

    head, body = await sent(make, version=version)
    assert not any(line.startswith("Content-Length") for line in head)
    assert unpacked(head, body) == PLAIN * 3


async def test_a_payload_is_compressed():
    def make():
        response = web.Response(body=io.BytesIO(PLAIN))
        response.enable_compression(web.ContentCoding.deflate)
        return response

    head, body = await sent(make)
    assert unpacked(head, body) == PLAIN


async def test_a_subclass_that_takes_part_in_the_sending_is_called():
    class Loud(web.Response):
        async def write_eof(self, data=b""):
            self.body = self.body.upper()
            await super().write_eof(data)

    _, body = await sent(lambda: Loud(text="abc"))
    assert body == b"ABC"


async def test_on_response_prepare_sees_and_changes_the_headers():
    async def add(request, response):
        response.headers["X-Added"] = response.headers["Content-Length"]

    async def handler(request):
        return web.Response(text="abc")

    app = web.Application()
    app.on_response_prepare.append(add)
    app.router.add_get("/", handler)
    async with serving(app, access_log=None) as site:
        answer = await site.ask("/")
    assert answer.headers["X-Added"] == "3"
