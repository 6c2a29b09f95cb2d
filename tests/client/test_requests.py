"""What a request sends, as a server of real aiohttp understands it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from aiohttp_ws import errors
from aiohttp_ws.client import ClientSession, UploadTracker, request
from aiohttp_ws.http.auth import BasicAuth
from aiohttp_ws.http.forms import FormData
from tests.client.waiting import standstill, until


async def mirror(request: web.Request) -> web.Response:
    """Answer with what the request was."""
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": body.decode("latin-1"),
            "cookies": dict(request.cookies),
        }
    )


def headers_of(seen: dict) -> CIMultiDict:
    return CIMultiDict(seen["headers"])


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
async def test_each_method_has_its_shortcut(session, serve, method):
    url = await serve(mirror)
    async with getattr(session, method)(url) as response:
        assert (await response.json())["method"] == method.upper()


async def test_head_has_no_body_and_keeps_the_connection(session, serve):
    url = await serve(mirror)
    async with session.head(url) as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) > 0
        assert await response.read() == b""
    assert session.connector._idle_count == 1


@pytest.mark.parametrize(
    ("method", "length"), [("PURGE", "0"), ("DELETE", "0"), ("OPTIONS", None), ("TRACE", None)]
)
async def test_a_method_that_could_have_content_tells_that_it_has_none(
    session, serve, method, length
):
    url = await serve(mirror)
    async with session.request(method, url) as response:
        assert headers_of(await response.json()).get("Content-Length") == length


async def test_params_are_added_to_the_query(session, serve):
    url = await serve(mirror)
    async with session.get(
        url.join(URL("/p?a=1")), params=[("a", "2"), ("b", "x y&ü")]
    ) as response:
        assert (await response.json())["target"] == "/p?a=1&a=2&b=x+y%26%C3%BC"


async def test_default_headers_are_sent_and_can_be_skipped(session, serve):
    url = await serve(mirror)
    async with session.get(url) as response:
        headers = headers_of(await response.json())
    assert headers["Host"] == f"{url.host}:{url.port}"
    assert headers["Accept"] == "*/*"
    # Brotli and zstd too, where the packages for them are installed.
    assert headers["Accept-Encoding"].split(", ")[:2] == ["gzip", "deflate"]
    assert "aiohttp_ws" in headers["User-Agent"]
    async with session.get(url, skip_auto_headers=["user-agent", "Accept"]) as response:
        headers = headers_of(await response.json())
    assert "User-Agent" not in headers
    assert "Accept" not in headers


async def test_headers_of_a_request_replace_those_of_the_session(serve):
    url = await serve(mirror)
    async with ClientSession(headers={"X-One": "1", "X-Two": "2"}) as session:
        pairs = [("x-two", "a"), ("x-two", "b"), ("User-Agent", "mine")]
        async with session.get(url, headers=pairs) as response:
            headers = headers_of(await response.json())
    assert headers["X-One"] == "1"
    assert headers.getall("X-Two") == ["a", "b"]
    assert headers.getall("User-Agent") == ["mine"]


async def test_host_header_can_be_given(session, serve):
    url = await serve(mirror)
    async with session.get(url, headers={"host": "example.com"}) as response:
        assert headers_of(await response.json()).getall("Host") == ["example.com"]


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"one ", b"two ", b"three"):
        yield piece


@pytest.mark.parametrize(
    ("data", "body", "content_type"),
    [
        (b"bytes", "bytes", "application/octet-stream"),
        (bytearray(b"array"), "array", "application/octet-stream"),
        (memoryview(b"view"), "view", "application/octet-stream"),
        ("text é", "text Ã©", "text/plain; charset=utf-8"),
        ({"a": "1", "b": "x y"}, "a=1&b=x+y", "application/x-www-form-urlencoded"),
        ([("a", "1"), ("a", "2")], "a=1&a=2", "application/x-www-form-urlencoded"),
        (FormData({"n": 5}), "n=5", "application/x-www-form-urlencoded"),
        (io.BytesIO(b"file"), "file", "application/octet-stream"),
        (io.StringIO("text"), "text", "text/plain; charset=utf-8"),
    ],
)
async def test_bodies_with_a_length(session, serve, data, body, content_type):
    url = await serve(mirror)
    async with session.post(url, data=data) as response:
        seen = await response.json()
    assert seen["body"] == body
    headers = headers_of(seen)
    assert headers["Content-Type"] == content_type
    assert headers["Content-Length"] == str(len(body))
    assert "Transfer-Encoding" not in headers


async def test_an_asynchronous_generator_is_sent_in_chunks(session, serve):
    url = await serve(mirror)
    async with session.post(url, data=pieces()) as response:
        seen = await response.json()
    assert seen["body"] == "one two three"
    assert headers_of(seen)["Transfer-Encoding"] == "chunked"


async def test_a_generator_with_content_length_is_sent_plainly(session, serve):
    url = await serve(mirror)
    async with session.post(url, data=pieces(), headers={"Content-Length": "13"}) as response:
        seen = await response.json()
    assert seen["body"] == "one two three"
    assert "Transfer-Encoding" not in headers_of(seen)


async def test_a_body_shorter_than_its_content_length_fails(session, serve):
    url = await serve(mirror)
    with pytest.raises(errors.ClientPayloadError, match="87 bytes before its Content-Length"):
        await session.post(url, data=pieces(), headers={"Content-Length": "100"})


async def test_a_file_is_sent_and_closed(session, serve, tmp_path):
    path = tmp_path / "data.txt"
    path.write_bytes(b"x" * 700_000)
    url = await serve(mirror)
    file = path.open("rb")
    async with session.post(url, data=file) as response:
        seen = await response.json()
    assert len(seen["body"]) == 700_000
    headers = headers_of(seen)
    assert headers["Content-Length"] == "700000"
    # Whatever a request with a name for its body would mean; aiohttp sends none either.
    assert "Content-Disposition" not in headers
    assert headers["Content-Type"] == "text/plain"
    await until(lambda: file.closed)  # in a thread


async def test_json_is_serialised_by_the_session(serve):
    url = await serve(mirror)
    async with (
        ClientSession(json_serialize=lambda value: json.dumps([value])) as session,
        session.post(url, json={"a": 1}) as response,
    ):
        seen = await response.json()
    assert seen["body"] == '[{"a": 1}]'
    assert headers_of(seen)["Content-Type"] == "application/json"
    async with (
        ClientSession(json_serialize_bytes=lambda value: b"bytes") as session,
        session.post(url, json={}) as response,
    ):
        assert (await response.json())["body"] == "bytes"


async def test_content_type_of_the_caller_wins(session, serve):
    url = await serve(mirror)
    async with session.post(url, json={}, headers={"content-type": "text/x"}) as response:
        assert headers_of(await response.json()).getall("Content-Type") == ["text/x"]


@pytest.mark.parametrize("compress", ["gzip", "deflate", True])
async def test_a_body_can_be_compressed(session, serve, compress):
    url = await serve(mirror)
    async with session.post(url, data=b"z" * 100_000, compress=compress) as response:
        seen = await response.json()
    assert seen["body"] == "z" * 100_000
    assert headers_of(seen)["Content-Encoding"] == ("gzip" if compress == "gzip" else "deflate")


async def test_chunked_sends_bytes_in_chunks(session, serve):
    url = await serve(mirror)
    async with session.post(url, data=b"abc", chunked=True) as response:
        seen = await response.json()
    assert seen["body"] == "abc"
    assert headers_of(seen)["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in headers_of(seen)


async def test_expect100_waits_for_the_server(session, raw):
    order = []

    async def talk(reader, writer):
        order.append(await reader.readuntil(b"\r\n\r\n"))
        assert not reader._buffer  # nothing of the body before it is asked for
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        order.append(await reader.readexactly(4))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    server = await raw(talk)
    async with session.post(server.url, data=b"body", expect100=True) as response:
        assert await response.text() == "ok"
    assert b"Expect: 100-continue" in order[0]
    assert order[1] == b"body"


async def test_a_refused_expectation_sends_no_body(session, raw):
    rest = asyncio.get_running_loop().create_future()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        rest.set_result(await reader.read())

    server = await raw(talk)
    async with session.post(server.url, data=b"body", expect100=True) as response:
        assert response.status == 417
    assert await rest == b""


async def test_credentials_come_from_the_argument_the_session_or_the_url(serve):
    url = await serve(mirror)
    async with ClientSession(auth=BasicAuth("s", "1")) as session:
        async with session.get(url) as response:
            seen = await response.json()
        assert headers_of(seen)["Authorization"] == BasicAuth("s", "1").encode()
        async with session.get(url, auth=BasicAuth("r", "2")) as response:
            seen = await response.json()
        assert headers_of(seen)["Authorization"] == BasicAuth("r", "2").encode()
        async with session.get(url.with_user("u").with_password("3")) as response:
            seen = await response.json()
            assert response.url.user is None
        assert headers_of(seen)["Authorization"] == BasicAuth("u", "3").encode()
        with pytest.raises(ValueError, match="Cannot combine"):
            await session.get(url, auth=BasicAuth("r"), headers={"Authorization": "x"})
        with pytest.raises(TypeError, match="BasicAuth"):
            await session.get(url, auth=("r", "2"))


async def test_cookies_of_session_request_and_header_are_joined(serve):
    url = await serve(mirror)
    async with ClientSession(cookies={"a": "1", "b": "2"}) as session:
        async with session.get(
            url, cookies={"b": "two words", "c": "3"}, headers={"Cookie": "d=4"}
        ) as response:
            seen = await response.json()
        assert seen["cookies"] == {"a": "1", "b": "two words", "c": "3", "d": "4"}
        async with session.get(url) as response:
            assert (await response.json())["cookies"] == {"a": "1", "b": "2"}


async def test_relative_urls_are_joined_to_base_url(serve):
    url = await serve(mirror)
    async with ClientSession(url / "api/") as session:
        for given, target in (("x", "/api/x"), ("/x", "/x"), ("?q=1", "/api/?q=1"), (url, "/")):
            async with session.get(given) as response:
                assert (await response.json())["target"] == target


@pytest.mark.parametrize("base_url", ["a/b/", "http://example.com/a"])
async def test_bad_base_urls_are_refused(base_url):
    with pytest.raises(ValueError, match="base_url"):
        ClientSession(base_url)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("no-scheme", errors.InvalidUrlClientError),
        ("", errors.InvalidUrlClientError),
        ("http:///path", errors.InvalidUrlClientError),
        ("http://example.com:99999/", errors.InvalidUrlClientError),
        ("ftp://example.com/", errors.NonHttpUrlClientError),
    ],
)
async def test_bad_urls_are_refused_before_anything_is_sent(session, url, error):
    with pytest.raises(error):
        await session.get(url)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"headers": {"X": "a\r\nY: b"}}, "control character"),
        ({"headers": {"X\n": "a"}}, "token"),
        ({"headers": {"X": "a\0"}}, "control character"),
        ({"cookies": {"a": "b", "c;d": "e"}}, "token"),
        ({"data": b"x", "json": {}}, "same time"),
        ({"data": b"x", "chunked": True, "headers": {"Content-Length": "1"}}, "exclude"),
        ({"data": b"x", "headers": {"Content-Length": "5"}}, "has 1 bytes"),
        ({"data": b"x", "headers": {"Content-Length": "x"}}, "not a number"),
        ({"data": b"x", "headers": {"Transfer-Encoding": "gzip"}}, "not chunked"),
        ({"headers": {"Transfer-Encoding": "chunked", "Content-Length": "1"}}, "exclude"),
        ({"headers": {"Content-Length": "5"}}, "no body"),
        ({"headers": [("Content-Length", "0"), ("content-length", "5")]}, "not a number"),
        ({"headers": [("Transfer-Encoding", "chunked")] * 2}, "not chunked"),
        ({"data": io.BytesIO(b"x"), "headers": {"Content-Length": "5"}}, "has 1 bytes"),
        ({"data": b"x", "compress": "lzw"}, "not gzip or deflate"),
        ({"data": b"x", "compress": True, "headers": {"Content-Encoding": "x"}}, "one of them"),
        ({"proxy": "ftp://proxy"}, "not the URL of a proxy"),
        ({"proxy": "http://proxy", "proxy_auth": ("a", "b")}, "pass a BasicAuth"),
    ],
)
async def test_bad_arguments_are_refused_and_cost_no_connection(session, serve, arguments, message):
    url = await serve(mirror)
    async with session.get(url):
        pass
    for method in ("POST", "GET"):
        with pytest.raises(ValueError, match=message):
            await session.request(method, url, **arguments)
    async with session.get(url) as response:
        assert response.status == 200
    assert not session.connector._in_use
    assert session.connector._taken == 0


async def test_a_method_that_is_no_token_is_refused(session, serve):
    url = await serve(mirror)
    with pytest.raises(ValueError, match="G ET"):
        await session.request("G ET", url)


async def test_line_ends_in_a_url_are_quoted_not_sent(session, raw):
    server = await raw(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with session.get(f"{server.url}a%0d%0ab\r\nX: y?q=1\r\n#f"):
        assert server.requests[0].startswith(b"GET /a%0D%0AbX:%20y?q=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["日本", "é", "日é; x", "a b", 5])
async def test_cookies_of_every_script_arrive(session, serve, value):
    url = await serve(mirror)
    async with session.get(url, cookies={"a": value}) as response:
        assert (await response.json())["cookies"] == {"a": str(value)}
    session.cookie_jar.update_cookies({"b": value}, url)
    async with session.get(url) as response:
        assert (await response.json())["cookies"] == {"b": str(value)}


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (LookupError("no more"), errors.ClientConnectionError),
        (TypeError("no more"), errors.ClientConnectionError),
        (OSError(5, "no more"), errors.ClientOSError),
        (asyncio.TimeoutError("no more"), asyncio.TimeoutError),
    ],
)
async def test_a_failing_generator_fails_the_request(session, serve, raised, error):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise raised

    url = await serve(mirror)
    with pytest.raises(error, match="no more") as caught:
        await session.post(url, data=broken())
    assert caught.value is raised or caught.value.__cause__ is raised
    assert session.connector._taken == 0


async def test_a_generator_that_is_cancelled_does_not_leave_the_caller_waiting(session, serve):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise asyncio.CancelledError

    url = await serve(mirror)
    with pytest.raises(errors.ClientError):
        await asyncio.wait_for(session.post(url, data=broken()), 10)


async def test_a_half_sent_request_is_never_one_for_the_server(session, raw):
    received = []

    async def talk(reader, writer):
        received.append(await reader.read())

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 10
        raise LookupError("no more")

    server = await raw(talk)
    with pytest.raises(errors.ClientConnectionError, match="no more"):
        await session.post(server.url, data=broken())
    await until(lambda: bool(received))
    assert not received[0].endswith(b"0\r\n\r\n")


async def test_a_large_upload_waits_for_a_slow_server(session, raw):
    produced = 0
    go_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal produced
        for _ in range(400):
            produced += 1
            yield b"x" * 65536

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        while b"\r\n0\r\n\r\n" not in await reader.read(2**20):
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    server = await raw(talk)
    task = asyncio.ensure_future(session.post(server.url, data=body())._coro)
    await standstill(lambda: produced)
    assert produced < 200
    go_on.set()
    async with await task as response:
        assert response.status == 200
    assert produced == 400


async def test_the_answer_may_come_before_the_body_is_out(session, raw):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await writer.drain()
        while await reader.read(2**20):
            pass

    server = await raw(talk)
    async with session.post(server.url, data=endless()) as response:
        assert response.status == 413
        assert await response.text() == "big"
    assert session.connector._taken == 0


async def test_an_upload_tracker_counts(session, serve):
    url = await serve(mirror)
    tracker = UploadTracker()
    async with session.post(url, data=pieces(), upload_tracker=tracker):
        await tracker.upload_complete
    assert tracker.bytes_written >= 13
    assert tracker.attempts == 1
    with pytest.raises(RuntimeError, match="one request"):
        await session.post(url, data=b"", upload_tracker=tracker)
    tracker = UploadTracker()
    with pytest.raises(errors.ClientConnectorError):
        await session.post("http://127.0.0.1:1/", data=b"", upload_tracker=tracker)
    with pytest.raises(errors.UploadAbortedError):
        await tracker.upload_complete


async def test_request_without_a_session(serve):
    url = await serve(mirror)
    async with request("POST", url, data="x") as response:
        assert (await response.json())["body"] == "x"
    assert response.closed


async def test_middlewares_see_and_change_the_request(serve):
    url = await serve(mirror)
    seen = []

    async def outer(req, handler):
        seen.append("outer")
        req.headers["X-Outer"] = "1"
        return await handler(req)

    async def inner(req, handler):
        seen.append("inner")
        await req.update_body(b"changed")
        return await handler(req)

    async with ClientSession(middlewares=[outer, inner]) as session:
        async with session.post(url, data=b"given") as response:
            data = await response.json()
        assert data["body"] == "changed"
        assert headers_of(data)["X-Outer"] == "1"
        assert headers_of(data)["Content-Length"] == "7"
        assert seen == ["outer", "inner"]
        async with session.get(url, middlewares=()) as response:
            assert "X-Outer" not in headers_of(await response.json())


async def test_a_request_can_be_awaited_or_run_as_a_task(session, serve):
    url = await serve(mirror)
    response = await session.get(url)
    assert response.status == 200
    await response.read()
    response = await asyncio.create_task(session.get(url))
    await response.read()
    assert response.closed
