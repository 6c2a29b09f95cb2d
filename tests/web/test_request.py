"""Requests: what they say of themselves, and how their bodies are read."""

from __future__ import annotations

import datetime
import json

import pytest
from yarl import URL

from aiohttp_ws import web
from aiohttp_ws.http.headers import ETag, HttpVersion10, HttpVersion11
from aiohttp_ws.http.streams import EMPTY_PAYLOAD
from aiohttp_ws.wire.http1 import RequestParser
from tests.web.raw_server import get, post, running, status_of


class NoTransport:
    def __init__(self, **info):
        self.info = info

    def get_extra_info(self, name, default=None):
        return self.info.get(name, default)


class NoConnection:
    def __init__(self, **info):
        self.transport = NoTransport(**info)
        self.peername = info.get("peername")


def request(data, cls=web.BaseRequest, body=EMPTY_PAYLOAD, connection=None, **kwargs):
    parser = RequestParser()
    parser.feed(data)
    head = parser.next_event()
    return cls(head, body, connection or NoConnection(), None, None, None, **kwargs)


# ---------------------------------------------------------------------------- start line


def test_path_and_query_are_decoded_and_kept_raw():
    r = request(get("/a%20b/%2Fc?x=%20y&z=1+2"))
    assert r.method == "GET"
    assert r.version == HttpVersion11
    assert r.path == "/a b//c"
    assert r.raw_path == "/a%20b/%2Fc?x=%20y&z=1+2"
    assert r.path_qs == "/a%20b/%2Fc?x=%20y&z=1+2"
    assert r.query_string == "x= y&z=1 2"
    assert dict(r.query) == {"x": " y", "z": "1 2"}
    assert r.rel_url == URL("/a%20b/%2Fc?x=%20y&z=1+2")
    assert r.url == URL("http://example.org/a%20b/%2Fc?x=%20y&z=1+2")


def test_a_path_of_two_slashes_is_no_host():
    r = request(get("//evil.org/x"))
    assert r.path == "//evil.org/x"
    assert r.url.host == "example.org"
    assert r.url.path == "//evil.org/x"


def test_the_target_may_be_an_absolute_url_or_an_asterisk():
    r = request(b"GET http://other/p?q HTTP/1.1\r\nHost: other\r\n\r\n")
    assert (r.path, r.query_string, str(r.url)) == ("/p", "q", "http://other/p?q")
    r = request(b"OPTIONS * HTTP/1.1\r\nHost: other\r\n\r\n")
    assert r.path == "*"
    assert r.url.host == "other"


def test_host_is_the_header_or_the_address_connected_to():
    r = request(get())
    assert r.host == "example.org"
    old = b"GET / HTTP/1.0\r\n\r\n"
    r = request(old, connection=NoConnection(sockname=("10.0.0.1", 80)))
    assert r.version == HttpVersion10
    assert r.host == "10.0.0.1"
    assert request(old, connection=NoConnection(sockname=("::1", 80))).host == "[::1]"
    assert request(old, connection=NoConnection(sockname="/run/x")).host == "/run/x"


def test_scheme_and_remote_come_from_the_connection():
    r = request(get(), connection=NoConnection(sslcontext=object(), peername=("1.2.3.4", 5)))
    assert (r.scheme, r.secure, r.remote) == ("https", True, "1.2.3.4")
    r = request(get())
    assert (r.scheme, r.secure, r.remote) == ("http", False, None)


# ------------------------------------------------------------------------------- headers


def test_headers_are_found_without_case_and_kept_raw():
    r = request(get("/", "X-Y: z"))
    assert r.headers["x-y"] == "z"
    assert (b"X-Y", b"z") in r.raw_headers


def test_cookies_are_parsed_and_read_only():
    r = request(get("/", 'Cookie: a=b; c="d e"'))
    assert r.cookies == {"a": "b", "c": "d e"}
    with pytest.raises(TypeError):
        r.cookies["x"] = "y"


def test_content_type_has_a_default_and_parameters():
    r = request(get())
    assert (r.content_type, r.charset, r.content_length) == ("application/octet-stream", None, None)
    r = request(post(b"ab", "Content-Type: Text/HTML; Charset=koi8-r"))
    assert (r.content_type, r.charset, r.content_length) == ("text/html", "koi8-r", 2)


def test_conditions_are_parsed():
    date = "Sat, 29 Oct 1994 19:43:31 GMT"
    r = request(
        get(
            "/",
            f"If-Modified-Since: {date}",
            "If-Unmodified-Since: nonsense",
            f"If-Range: {date}",
            'If-Match: "a", W/"b"',
            "If-None-Match: *",
            "Range: bytes=2-5",
        )
    )
    moment = datetime.datetime(1994, 10, 29, 19, 43, 31, tzinfo=datetime.timezone.utc)
    assert r.if_modified_since == r.if_range == moment
    assert r.if_unmodified_since is None
    assert r.if_match == (ETag("a"), ETag("b", is_weak=True))
    assert r.if_none_match == (ETag("*"),)
    assert r.http_range == slice(2, 6, 1)


def test_forwarded_is_parsed_per_proxy():
    r = request(get("/", 'Forwarded: for=1.2.3.4;by="x", for="[::1]:5"', "Forwarded: proto=https"))
    assert r.forwarded == (
        {"for": "1.2.3.4", "by": "x"},
        {"for": "[::1]:5"},
        {"proto": "https"},
    )


# -------------------------------------------------------------------- mapping and clones


def test_a_request_is_a_mapping_true_and_equal_to_itself_only():
    r = request(get())
    assert r
    assert r != request(get())
    assert len({r, r}) == 1
    key = web.RequestKey("a", int)
    r[key] = 1
    assert dict(r) == {key: 1}
    assert key in r
    del r[key]
    assert len(r) == 0


def test_a_clone_differs_where_it_was_told_to():
    r = request(get("/a", "X: y"), web.Request)
    key = web.RequestKey("key", str)
    r[key] = "value"
    c = r.clone(
        method="POST",
        rel_url="/b?c=d",
        headers={"Z": "1"},
        scheme="https",
        host="h:1",
        remote="me",
        client_max_size=5,
        client_max_fields=6,
    )
    assert type(c) is web.Request
    assert (c.method, c.path, str(c.url), c.remote) == ("POST", "/b", "https://h:1/b?c=d", "me")
    assert dict(c.headers) == {"Z": "1"}
    assert c.raw_headers == ((b"Z", b"1"),)
    assert (c.client_max_size, c.client_max_fields) == (5, 6)
    assert c[key] == "value"
    c[key] = "other"
    assert (r.method, r.path, r.headers["X"], r[key]) == ("GET", "/a", "y", "value")


async def test_a_request_whose_body_was_read_cannot_be_cloned():
    r = request(get())
    assert await r.read() == b""
    with pytest.raises(RuntimeError, match="read"):
        r.clone()


def test_repr_shows_method_and_target():
    assert repr(request(get("/a%20b"))) == "<BaseRequest GET /a%20b >"


# --------------------------------------------------------------------------------- bodies


async def answering(handler, *requests, **options):
    async with running(handler, **options) as server, server.connect() as peer:
        return [await peer.ask(each) for each in requests]


async def test_read_text_and_json_share_one_body():
    async def handler(request):
        assert request.body_exists
        assert request.can_read_body
        assert await request.read() == await request.read()
        assert not request.can_read_body
        assert await request.text() == '{"a": "é"}'
        return web.json_response(await request.json())

    ((_, body),) = await answering(handler, post('{"a": "é"}'.encode()))
    assert body == b'{"a": "\\u00e9"}'


async def test_text_uses_the_charset_and_refuses_an_unknown_one():
    async def handler(request):
        return web.Response(text=await request.text())

    (_, body), (head, _) = await answering(
        handler,
        post("я".encode("koi8-r"), "Content-Type: text/plain; charset=koi8-r"),
        post(b"x", "Content-Type: text/plain; charset=nonsense"),
    )
    assert body.decode() == "я"
    assert status_of(head) == 415


async def test_a_request_without_body_has_none():
    async def handler(request):
        assert not request.body_exists
        assert not request.can_read_body
        assert await request.read() == b""
        await request.release()
        return web.Response()

    ((head, _),) = await answering(handler, get())
    assert status_of(head) == 200


async def test_release_drops_the_body():
    async def handler(request):
        await request.release()
        assert not request.can_read_body
        return web.Response()

    ((head, _),) = await answering(handler, post(b"x" * 1000))
    assert status_of(head) == 200


FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (post(b"a=1&a=2&b=%20x+y&c=", FORM), [["a", "1"], ["a", "2"], ["b", " x y"], ["c", ""]]),
        (post(b"a=1"), [["a", "1"]]),
        (post("x=я".encode("koi8-r"), FORM + "; charset=koi8-r"), [["x", "я"]]),
        (post(b"a=1", "Content-Type: text/plain"), []),
        (get(), []),
    ],
)
async def test_post_returns_the_fields_of_a_form(data, fields):
    async def handler(request):
        assert await request.post() is await request.post()
        return web.json_response([[k, v] for k, v in (await request.post()).items()])

    ((_, body),) = await answering(handler, data)
    assert json.loads(body) == fields


async def test_post_refuses_more_than_client_max_fields():
    async def handler(request):
        return web.Response(text=str(len(await request.clone(client_max_fields=3).post())))

    (_, few), (head, many) = await answering(
        handler, post(b"a=1&b=2&c=3", FORM), post(b"a&b&c&d", FORM)
    )
    assert few == b"3"
    assert status_of(head) == 413
    assert b"client_max_fields=3" in many


async def test_a_limit_of_zero_is_none():
    async def handler(request):
        return web.Response(text=str(len(await request.clone(client_max_size=0).read())))

    ((_, body),) = await answering(handler, post(b"x" * 2_000_000))
    assert body == b"2000000"
