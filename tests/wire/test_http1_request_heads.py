"""What a request head is made of, and every malformed one that is refused (RFC 9112 2 to 5)."""

from __future__ import annotations

import pytest
from multidict import istr

from aiohttp_ws.errors import (
    BadHttpMessage,
    BadHttpMethod,
    BadStatusLine,
    InvalidHeader,
    InvalidURLError,
)
from aiohttp_ws.wire.http1 import HTTP_10, HTTP_11, RequestHead, RequestParser

from .http1_events import drain, request, request_events, request_refusal

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


def test_a_request_has_method_target_path_and_query() -> None:
    head = request(b"GET /a/b%20c?x=1&y=?z HTTP/1.1\r\nHost: example.com:8080\r\n\r\n")
    assert (head.method, head.target) == ("GET", "/a/b%20c?x=1&y=?z")
    assert (head.path, head.query_string) == ("/a/b%20c", "x=1&y=?z")
    assert head.host == "example.com:8080"
    assert head.version is HTTP_11
    assert head.keep_alive
    assert not head.has_body
    assert head.content_length == -1


def test_headers_keep_order_spelling_and_repeats() -> None:
    head = request(GET + b"X-One: 1\r\nx-two:2\r\nX-ONE:\t 3 \t\r\nEmpty:\r\n\r\n")
    assert head.raw_headers == (
        (b"Host", b"a"),
        (b"X-One", b"1"),
        (b"x-two", b"2"),
        (b"X-ONE", b"3"),
        (b"Empty", b""),
    )
    assert head.headers.getall("x-one") == ["1", "3"]
    names = [name for name, _ in head.headers.items()]
    assert names == ["Host", "X-One", "x-two", "X-ONE", "Empty"]
    assert head.headers is head.headers
    assert head.raw_headers is head.raw_headers


def test_values_are_utf8_and_other_bytes_survive_as_surrogates() -> None:
    head = request(GET + b"X: gr\xc3\xbc\xc3\x9fe\r\nY: \xff\r\n\r\n")
    assert head.headers["X"] == "grüße"
    assert head.headers["Y"].encode("utf-8", "surrogateescape") == b"\xff"


def test_a_field_is_found_without_building_headers() -> None:
    head = request(GET + b"X-Token: one\r\nx-token: two\r\n\r\n")
    assert head.first("x-tOKEN") == "one"
    assert head.first("X-Toke") is None
    assert head.first("") is None


def test_common_methods_and_header_names_are_shared_objects() -> None:
    one, two = (request(GET + b"accept: */*\r\n\r\n") for _ in range(2))
    assert one.method is two.method
    assert [type(name) for name in one.headers] == [istr, istr]
    assert one.version is two.version


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "M-SEARCH", "X1!", "QUERY"])
def test_any_upper_case_token_is_a_method(method: str) -> None:
    assert request(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode()).method == method


@pytest.mark.parametrize(
    ("line", "host", "path", "query"),
    [
        (b"GET http://a.b HTTP/1.1", b"a.b", "/", ""),
        (b"GET http://a.b?q HTTP/1.1", b"a.b", "/", "q"),
        (b"GET HTTP://A.b:80/x?y HTTP/1.1", b"a.B:80", "/x", "y"),
        (b"GET https://[::1]:443/x HTTP/1.1", b"[::1]:443", "/x", ""),
        (b"OPTIONS * HTTP/1.1", b"a", "*", ""),
        (b"CONNECT a.b:443 HTTP/1.1", b"a.b:443", "a.b:443", ""),
        (b"CONNECT [::1]:443 HTTP/1.1", b"a.b", "[::1]:443", ""),
        (b"GET //x//y? HTTP/1.1", b"a", "//x//y", ""),
        (b'GET /{a}|"b"<c>\\^`~ HTTP/1.1', b"a", '/{a}|"b"<c>\\^`~', ""),
    ],
)
def test_each_form_of_target_is_taken_where_it_is_allowed(
    line: bytes, host: bytes, path: str, query: str
) -> None:
    head = request(line + b"\r\nHost: " + host + b"\r\n\r\n")
    assert (head.path, head.query_string) == (path, query)
    assert head.target == line.split()[1].decode()
    assert head.host == host.decode()


def test_an_absolute_target_names_the_host_of_an_http10_request() -> None:
    head = request(b"GET http://a.b:81/x HTTP/1.0\r\n\r\n")
    assert (head.host, head.path) == ("a.b:81", "/x")


@pytest.mark.parametrize(
    "host",
    ["a", "a.b", "A.B:1", "a:", "127.0.0.1:65535", "[::1]", "[::ffff:1.2.3.4]:80", "a_b", "%41"],
)
def test_a_valid_host_is_taken(host: str) -> None:
    assert request(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).host == host


REFUSED_START_LINES = [
    (b"", BadStatusLine, 400),
    (b"GET", BadStatusLine, 400),
    (b"GET /", BadStatusLine, 400),
    (b"GET  / HTTP/1.1", BadStatusLine, 400),
    (b"GET /  HTTP/1.1", BadStatusLine, 400),
    (b"GET / HTTP/1.1 ", BadStatusLine, 400),
    (b"GET / HTTP/1.1x", BadStatusLine, 400),
    (b"GET / HTTP/1", BadStatusLine, 400),
    (b"GET / HTTP/1.", BadStatusLine, 400),
    (b"GET / HTTP/11.1", BadStatusLine, 400),
    (b"GET / HTTP/01.1", BadStatusLine, 400),
    (b"GET / http/1.1", BadStatusLine, 400),
    (b"GET / HTTP-1.1", BadStatusLine, 400),
    (b"GET / HTTPS/1.1", BadStatusLine, 400),
    (b"GET\t/\tHTTP/1.1", BadHttpMethod, 400),
    (b"GET /\tHTTP/1.1", InvalidURLError, 400),
    (b"GET / HTTP/2.0", BadStatusLine, 505),
    (b"GET / HTTP/0.9", BadStatusLine, 505),
    (b"GET / HTTP/1.2", BadStatusLine, 505),
    (b"PRI * HTTP/2.0", BadStatusLine, 505),
    (b" GET / HTTP/1.1", BadHttpMethod, 400),
    (b"get / HTTP/1.1", BadHttpMethod, 400),
    (b"Get / HTTP/1.1", BadHttpMethod, 400),
    (b"G@T / HTTP/1.1", BadHttpMethod, 400),
    (b"GET: / HTTP/1.1", BadHttpMethod, 400),
    (b"G\x00T / HTTP/1.1", BadHttpMethod, 400),
    (b"GE\xc9 / HTTP/1.1", BadHttpMethod, 400),
    (b"GET /\x00 HTTP/1.1", InvalidURLError, 400),
    (b"GET /\x7f HTTP/1.1", InvalidURLError, 400),
    (b"GET /\xc3\xa9 HTTP/1.1", InvalidURLError, 400),
    (b"GET /a#b HTTP/1.1", InvalidURLError, 400),
    (b"GET #b HTTP/1.1", InvalidURLError, 400),
    (b"GET a HTTP/1.1", InvalidURLError, 400),
    (b"GET ?a HTTP/1.1", InvalidURLError, 400),
    (b"GET * HTTP/1.1", InvalidURLError, 400),
    (b"OPTIONS ** HTTP/1.1", InvalidURLError, 400),
    (b"OPTIONX * HTTP/1.1", InvalidURLError, 400),
    (b"GET a:80 HTTP/1.1", InvalidURLError, 400),
    (b"CONNECT / HTTP/1.1", InvalidURLError, 400),
    (b"CONNECT a HTTP/1.1", InvalidURLError, 400),
    (b"CONNECT a: HTTP/1.1", InvalidURLError, 400),
    (b"CONNECT a:99999 HTTP/1.1", InvalidURLError, 400),
    (b"CONNECT http://a:80 HTTP/1.1", InvalidURLError, 400),
    (b"GET ftp://a/ HTTP/1.1", InvalidURLError, 400),
    (b"GET http:/a HTTP/1.1", InvalidURLError, 400),
    (b"GET http:///x HTTP/1.1", InvalidURLError, 400),
    (b"GET http://u:p@a/ HTTP/1.1", InvalidURLError, 400),
    (b"GET http://b/ HTTP/1.1", InvalidHeader, 400),
    (b"GET http://a:80/ HTTP/1.1", InvalidHeader, 400),
]


@pytest.mark.parametrize(("line", "error", "status"), REFUSED_START_LINES)
def test_a_malformed_request_line_is_refused(
    line: bytes, error: type[BadHttpMessage], status: int
) -> None:
    # An empty line is only refused after those that are tolerated.
    before = b"\r\n\r\n" if not line else b""
    refusal = request_refusal(before + line + b"\r\nHost: a\r\n\r\n")
    assert (type(refusal), refusal.code) == (error if line else BadHttpMessage, status)


REFUSED_FIELDS = [
    b"X : y",
    b"X\t: y",
    b"X y",
    b"X",
    b": y",
    b"X\x00: y",
    b"X(: y",
    b"X\xe9: y",
    b"X@Y: z",
    b"X: \x00",
    b"X: a\x01b",
    b"X: a\x0bb",
    b"X: a\x1fb",
    b"X: a\x7fb",
    b"X: " + b"a" * 40 + b"\x00" + b"a" * 40,
    b"X: a\r\n b",
    b"X: a\r\n\tb",
    b"X:\r\n b",
    b"X: a\r\n \r\nY: b",
    b"Content-Length: 1\r\nContent-Length: 2",
    b"Content-Length: 1\r\nContent-Length: 1",
    b"Content-Length: 1, 1",
    b"Content-Length: +1",
    b"Content-Length: -1",
    b"Content-Length: 0x1",
    b"Content-Length: 1_0",
    b"Content-Length: 1 0",
    b"Content-Length: 1.0",
    b"Content-Length: ",
    b"Content-Length: \xb2",
    b"Content-Length: 1234567890123456789",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 0",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: ,chunked",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding:",
    b"Host: a",
    b"Host: b",
]


@pytest.mark.parametrize("fields", REFUSED_FIELDS)
def test_a_malformed_or_contradictory_field_is_refused_with_400(fields: bytes) -> None:
    refusal = request_refusal(GET.replace(b"GET", b"POST") + fields + b"\r\n\r\n")
    assert isinstance(refusal, InvalidHeader)
    assert refusal.code == 400


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"deflate , x ,  Chunked"])
def test_a_transfer_coding_under_chunked_is_not_implemented(coding: bytes) -> None:
    refusal = request_refusal(GET + b"Transfer-Encoding: " + coding + b"\r\n\r\n")
    assert (type(refusal), refusal.code) == (InvalidHeader, 501)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\rX\n",
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_a_bare_cr_or_lf_is_refused(head: bytes) -> None:
    assert "CR LF" in str(request_refusal(head))


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: a\r\n\n", b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"]
)
def test_an_empty_line_without_cr_is_refused(head: bytes) -> None:
    assert request_refusal(head).code == 400


@pytest.mark.parametrize("space", [b" ", b"\t"])
def test_whitespace_before_the_first_field_is_refused(space: bytes) -> None:
    refusal = request_refusal(b"GET / HTTP/1.1\r\n" + space + b"X: y\r\nHost: a\r\n\r\n")
    assert str(refusal) == "whitespace before the first field"


def test_an_http11_request_without_host_is_refused() -> None:
    refusal = request_refusal(b"GET / HTTP/1.1\r\nX: y\r\n\r\n")
    assert (type(refusal), refusal.code) == (InvalidHeader, 400)
    assert "no Host" in str(refusal)


@pytest.mark.parametrize(
    "host",
    [
        b"a b",
        b"a,b",
        b"a/b",
        b"u@a",
        b"a?b",
        b"a:b",
        b"a:80:80",
        b"a:65536",
        b"a:-1",
        b":80",
        b"%4",
        b"%zz",
        b"[",
        b"[]",
        b"[::1",
        b"[::g]",
        b"[::1]x",
        b"[1.2.3.4]",
        b"::1",
        b"http://a",
        b"\xc3\xa9",
    ],
)
def test_an_invalid_host_is_refused(host: bytes) -> None:
    for version in (b"HTTP/1.1", b"HTTP/1.0"):
        refusal = request_refusal(b"GET / " + version + b"\r\nHost: " + host + b"\r\n\r\n")
        assert (type(refusal), refusal.code) == (InvalidHeader, 400)
        assert "Host" in str(refusal)


def test_an_empty_host_is_that_of_a_target_without_an_authority() -> None:
    """RFC 9112 3.2."""
    assert request(b"GET / HTTP/1.1\r\nHost: \r\n\r\n").path == "/"
    refusal = request_refusal(b"GET http://a/ HTTP/1.1\r\nHost: \r\n\r\n")
    assert isinstance(refusal, InvalidHeader)


def test_a_tls_handshake_is_refused_at_its_first_byte() -> None:
    parser = RequestParser()
    parser.feed(b"\x16\x03\x01")
    with pytest.raises(BadHttpMethod):
        parser.next_event()


def test_a_refusal_quotes_no_more_than_an_excerpt() -> None:
    refusal = request_refusal(GET + b"X" * 500 + b"(: y\r\n\r\n")
    assert "X" * 64 + "'..." in str(refusal)
    assert len(str(refusal)) < 200


def test_two_empty_lines_before_a_request_are_tolerated_and_no_more() -> None:
    assert request(b"\r\n\r\n" + GET + b"\r\n").method == "GET"
    assert "empty lines" in str(request_refusal(b"\r\n\r\n\r\n" + GET + b"\r\n"))
    heads = request_events((b"\r\n\r\n" + GET + b"\r\n") * 3)
    assert [type(head) for head in heads] == [RequestHead] * 3


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: Foo , CLOSE\r\n", False),
        (b"1.1", b"Connection: x\r\nConnection: close\r\n", False),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.1", b"Connection: closed, not-close\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
        (b"1.0", b"Connection: keep-alive, close\r\n", False),
    ],
)
def test_keep_alive_follows_version_and_connection(
    version: bytes, connection: bytes, keep_alive: bool
) -> None:
    head = request(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + connection + b"\r\n")
    assert head.keep_alive is keep_alive
    assert head.version is (HTTP_11 if version == b"1.1" else HTTP_10)


@pytest.mark.parametrize(
    ("version", "fields", "upgrade"),
    [
        (b"1.1", b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", True),
        (b"1.1", b"Connection: upgrade\r\n", False),
        (b"1.1", b"Connection: upgrade\r\nUpgrade:\r\n", False),
        (b"1.1", b"Upgrade: websocket\r\n", False),
        (b"1.0", b"Connection: Upgrade\r\nUpgrade: websocket\r\n", False),
    ],
)
def test_upgrade_needs_both_fields_and_http11(version: bytes, fields: bytes, upgrade: bool) -> None:
    head = request(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + fields + b"\r\n")
    assert head.upgrade is upgrade


@pytest.mark.parametrize(
    ("version", "expect", "waits"),
    [
        (b"1.1", b"100-continue", True),
        (b"1.1", b"100-Continue", True),
        (b"1.1", b"200-ok", False),
        (b"1.0", b"100-continue", False),
    ],
)
def test_expect_continue_is_recognised_in_http11(
    version: bytes, expect: bytes, waits: bool
) -> None:
    line = b"POST / HTTP/" + version + b"\r\nHost: a\r\nContent-Length: 1\r\nExpect: "
    head = request(line + expect + b"\r\n\r\n")
    assert head.expect_continue is waits
    assert head.expect == expect.decode()
    assert request(GET + b"\r\n").expect is None


def test_content_encoding_is_lower_case_and_joined() -> None:
    assert request(GET + b"\r\n").content_encoding is None
    assert request(GET + b"Content-Encoding: GZip\r\n\r\n").content_encoding == "gzip"
    fields = b"Content-Encoding: a\r\ncontent-encoding: B\r\n\r\n"
    assert request(GET + fields).content_encoding == "a, b"


def test_a_failed_parser_stays_failed() -> None:
    parser = RequestParser()
    for _ in range(3):
        parser.feed(b"bad\r\n" + GET + b"\r\n")
        with pytest.raises(BadHttpMethod, match="lower-case"):
            drain(parser)
    assert parser.pending == 0


def test_what_came_before_a_fault_is_still_delivered() -> None:
    parser = RequestParser()
    parser.feed(GET + b"\r\n" + b"bad\r\n")
    assert isinstance(parser.next_event(), RequestHead)
    with pytest.raises(BadHttpMethod):
        parser.next_event()
