"""Response heads, and which responses have a body (RFC 9112 4 and 6.3)."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from aiohttp_ws.errors import (
    BadHttpMessage,
    BadHttpMethod,
    BadStatusLine,
    InvalidHeader,
)
from aiohttp_ws.wire.http1 import END, HTTP_10, HTTP_11, ResponseHead, ResponseParser

from .http1_events import bytewise, drain, response_events, response_refusal, story


def test_a_response_has_status_and_reason() -> None:
    (head,) = response_events(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(head, ResponseHead)
    assert (head.status, head.reason, head.version) == (404, "Not Found", HTTP_11)
    assert head.headers["content-length"] == "0"
    assert head.keep_alive
    assert not head.has_body


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"200 OK", "OK"),
        (b"200 Fine, \tthanks!", "Fine, \tthanks!"),
        (b"200 ", ""),
        (b"200", ""),
        (b"200 gr\xc3\xbc\xff", "grü\udcff"),
        (b"999 ?", "?"),
        (b"302 Found", HTTPStatus.FOUND.phrase),
    ],
)
def test_the_reason_may_be_anything_or_missing(line: bytes, reason: str) -> None:
    (head,) = response_events(b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\n\r\n")
    assert (head.status, head.reason) == (int(line[:3]), reason)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"HTTP/1.1 20 OK", BadStatusLine),
        (b"HTTP/1.1 2000 OK", BadStatusLine),
        (b"HTTP/1.1 099 OK", BadStatusLine),
        (b"HTTP/1.1 -20 OK", BadStatusLine),
        (b"HTTP/1.1 2x0 OK", BadStatusLine),
        (b"HTTP/1.1  200 OK", BadStatusLine),
        (b"HTTP/1.1\t200 OK", BadStatusLine),
        (b"HTTP/1.1 200\tOK", BadStatusLine),
        (b"HTTP/1.1 200OK", BadStatusLine),
        (b"HTTP/1.1", BadStatusLine),
        (b"HTTP/1.1 ", BadStatusLine),
        (b"HTTP/2 200 OK", BadStatusLine),
        (b"HTTP/2.0 200 OK", BadStatusLine),
        (b"HTTP/1.1200 OK", BadStatusLine),
        (b"HTTP/1.x 200 OK", BadStatusLine),
        (b"Http/1.1 200 OK", BadStatusLine),
        (b"http/1.1 200 OK", BadHttpMethod),
        (b"ICY 200 OK", BadHttpMethod),
        (b" HTTP/1.1 200 OK", BadHttpMethod),
        (b"HTTP/1.1 200 a\x00", BadStatusLine),
        (b"HTTP/1.1 200 a\x7fb", BadStatusLine),
        (b"HTTP/1.1 200 a\rb", BadHttpMessage),
        (b"\r\nHTTP/1.1 200 OK", BadHttpMethod),
    ],
)
def test_a_malformed_status_line_is_refused(line: bytes, error: type[BadHttpMessage]) -> None:
    assert type(response_refusal(line + b"\r\nContent-Length: 0\r\n\r\n")) is error


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\r\nContent-Length: 1",
        b"Content-Length: 1, 1",
        b"Content-Length: x",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"X: a\r\n b",
        b"X : a",
        b" X: a",
        b"X: \x00",
    ],
)
def test_fields_are_as_strict_as_those_of_requests(fields: bytes) -> None:
    assert isinstance(
        response_refusal(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n"), InvalidHeader
    )


def test_transfer_encoding_in_http10_is_refused() -> None:
    refusal = response_refusal(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert isinstance(refusal, InvalidHeader)


def test_bodies_are_framed_by_length_by_chunks_or_by_the_end() -> None:
    head, *events = response_events(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert (head.content_length, head.until_close, events) == (3, False, [b"abc", END])
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    head, *events = response_events(chunked)
    assert (head.chunked, head.until_close, events) == (True, False, [b"abc", END])
    head, *events = response_events(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert (head.until_close, head.has_body, head.keep_alive) == (True, True, False)
    assert events == [b"abc"]


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""]
)
@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("HEAD", 404), ("GET", 204), ("GET", 304), ("POST", 204)]
)
def test_head_204_and_304_have_no_body_whatever_their_fields(
    method: str, status: int, framing: bytes
) -> None:
    parser = ResponseParser()
    parser.expect(method)
    parser.feed(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, framing))
    (head,) = drain(parser)
    assert not head.has_body
    assert not head.until_close
    assert head.keep_alive
    assert head.content_length == (5 if b"Length" in framing else -1)
    assert not parser.in_message


def test_interim_responses_come_before_the_final_one() -> None:
    parser = ResponseParser()
    parser.expect("HEAD")
    parser.feed(
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\nConnection: close\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    )
    statuses = [head.status for head in drain(parser)]
    assert statuses == [100, 103, 200]
    assert not parser.in_message


def test_an_expectation_holds_for_one_response() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    parser = ResponseParser()
    parser.expect("HEAD")
    parser.feed(data + data + b"x")
    kinds = [type(event) for event in drain(parser)]
    assert kinds == [ResponseHead, ResponseHead, bytes, type(END)]


def test_switching_protocols_pauses_and_hands_over_the_rest() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x81\x00")
    (head,) = drain(parser)
    assert head.upgrade
    assert not head.has_body
    assert parser.paused
    assert parser.take_rest() == b"\x81\x00"


@pytest.mark.parametrize(
    "fields", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_a_tunnel_begins_after_a_2xx_to_connect(fields: bytes) -> None:
    parser = ResponseParser()
    parser.expect("CONNECT")
    parser.feed(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nrest")
    (head,) = drain(parser)
    assert head.upgrade
    assert not head.has_body
    assert parser.take_rest() == b"rest"


def test_a_refused_connect_is_an_ordinary_response() -> None:
    (head, *events) = response_events(
        b"HTTP/1.1 407 X\r\nContent-Length: 2\r\n\r\nno", method="CONNECT"
    )
    assert not head.upgrade
    assert events == [b"no", END]


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", True),
    ],
)
def test_keep_alive_follows_version_and_connection(
    version: bytes, connection: bytes, keep_alive: bool
) -> None:
    (head,) = response_events(
        b"HTTP/" + version + b" 200 OK\r\nContent-Length: 0\r\n" + connection + b"\r\n"
    )
    assert head.keep_alive is keep_alive
    assert head.version is (HTTP_11 if version == b"1.1" else HTTP_10)


def test_bytes_after_the_last_response_are_dropped() -> None:
    parser = ResponseParser()
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"
    parser.feed(data + data)
    assert len(drain(parser)) == 3
    assert parser.pending == 0


def test_a_byte_at_a_time_gives_the_same_story() -> None:
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: v\r\n\r\n"
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
    )
    assert story(ResponseParser(), bytewise(data)) == story(ResponseParser(), [data])
