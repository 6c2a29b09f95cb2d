"""Requests and responses of the message API, held against those of websockets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import websockets.datastructures
import websockets.http11 as theirs

from aiohttp_ws.websockets import http11
from aiohttp_ws.websockets.datastructures import Headers
from aiohttp_ws.websockets.exceptions import (
    HeaderLineTooLong,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from aiohttp_ws.websockets.http11 import Request, Response
from tests.websockets.reference import as_websockets_17
from tests.websockets.streams import Stream, result

HOST = b"Host: example.com\r\n"
REQUESTS = [
    b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /chat?room=1 HTTP/1.1\r\n" + HOST + b"A:  b \r\nA: caf\xe9\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 200 caf\xe9\r\n\r\nto the end",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nno\r\n3\r\n, 2\r\n"
    b"0\r\nX-End: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
]
SPLITS = [10_000, 7, 1]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def parse_request(*data: bytes, module=http11):
    stream = Stream(*data)
    return result(module.Request.parse(stream.read_line), stream)


def parse_response(*data: bytes, module=http11, proxy: bool = False):
    stream = Stream(*data)
    parsing = module.Response.parse(
        stream.read_line, stream.read_exact, stream.read_to_eof, proxy=proxy
    )
    return result(parsing, stream)


def shown(message) -> list:
    values = [getattr(message, name, None) for name in ("path", "method", "protocol")]
    values += [getattr(message, name, None) for name in ("status_code", "reason_phrase", "body")]
    return [*values, list(message.headers.raw_items())]


@as_websockets_17
@pytest.mark.parametrize("size", SPLITS)
@pytest.mark.parametrize("data", REQUESTS)
def test_a_request_is_read_as_websockets_does(data: bytes, size: int):
    our, their = parse_request(*pieces(data, size)), parse_request(data, module=theirs)
    assert shown(our) == shown(their)
    assert our.serialize() == their.serialize()


@as_websockets_17
@pytest.mark.parametrize("size", SPLITS)
@pytest.mark.parametrize("data", RESPONSES)
def test_a_response_is_read_as_websockets_does(data: bytes, size: int):
    our, their = parse_response(*pieces(data, size)), parse_response(data, module=theirs)
    assert shown(our) == shown(their)
    assert our.serialize() == their.serialize()


@as_websockets_17
@pytest.mark.parametrize("data", [*RESPONSES, b"HTTP/1.0 200 OK\r\n\r\n"])
def test_a_proxys_answer_ends_with_its_head(data: bytes):
    our = parse_response(data, proxy=True)
    assert shown(our) == shown(parse_response(data, proxy=True, module=theirs))
    assert our.body == b""


@as_websockets_17
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", EOFError),
        (b"GET / HTTP/1.1\r\n" + HOST, EOFError),
        (b"GET /\r\n\r\n", ValueError),
        (b"GET / HTTP/2.0\r\n\r\n", ValueError),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", ValueError),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\n", ValueError),
        (
            b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
            NotImplementedError,
        ),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n", RequestLineTooLong),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n", HeaderLineTooLong),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 129 + b"\r\n", TooManyHeaders),
    ],
)
def test_what_is_not_a_request_is_refused_as_in_websockets(data: bytes, kind: type[Exception]):
    with pytest.raises(kind):
        parse_request(data)
    with pytest.raises(getattr(websockets.exceptions, kind.__name__, kind)):
        parse_request(data, module=theirs)


@as_websockets_17
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", EOFError),
        (b"hello\r\n", ValueError),
        (b"HTTP/1.0 200 OK\r\n\r\n", ValueError),
        (b"HTTP/1.1 abc OK\r\n\r\n", ValueError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nno", EOFError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", SecurityError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n", SecurityError),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_048_577, SecurityError),
        (b"HTTP/1.1 200 " + b"x" * 9000 + b"\r\n", StatusLineTooLong),
    ],
)
def test_what_is_not_a_response_is_refused_as_in_websockets(data: bytes, kind: type[Exception]):
    with pytest.raises(kind):
        parse_response(data)
    with pytest.raises(getattr(websockets.exceptions, kind.__name__, kind)):
        parse_response(data, module=theirs)


def test_a_request_without_host_is_refused():
    # RFC 9112 3.2; websockets lets it pass.
    with pytest.raises(ValueError, match="Host"):
        parse_request(b"GET / HTTP/1.1\r\n\r\n")


def test_nothing_that_is_sent_can_end_a_line():
    headers = Headers()
    headers.set_insecure("X", "a\r\nEvil: b")
    with pytest.raises(ValueError, match="X"):
        Request("/", headers).serialize()
    with pytest.raises(ValueError, match="target"):
        Request("/ HTTP/1.1\r\nEvil: b", Headers()).serialize()
    with pytest.raises(ValueError, match="reason"):
        Response(200, "OK\r\nEvil: b", Headers()).serialize()


@as_websockets_17
def test_bytes_that_are_not_ascii_are_sent_as_websockets_does():
    def sent(module, kind) -> bytes:
        return module.Response(200, "caf\xe9", kind([("A", "\xe9\xff")]), b"body").serialize()

    assert sent(http11, Headers) == sent(theirs, websockets.datastructures.Headers)


def test_the_exception_of_a_message_is_deprecated():
    with pytest.warns(DeprecationWarning, match="handshake_exc"):
        assert Request("/", Headers()).exception is None
    with pytest.warns(DeprecationWarning, match="handshake_exc"):
        assert Response(101, "", Headers()).exception is None


def test_the_environment_sets_names_and_limits():
    program = (
        "from aiohttp_ws.websockets import http11 as h;"
        "print(h.USER_AGENT, h.SERVER, h.MAX_NUM_HEADERS, h.MAX_LINE_LENGTH, h.MAX_BODY_SIZE)"
    )
    settings = {
        "WEBSOCKETS_USER_AGENT": "me",
        "WEBSOCKETS_SERVER": "us",
        "WEBSOCKETS_MAX_NUM_HEADERS": "5",
        "WEBSOCKETS_MAX_LINE_LENGTH": "6",
        "WEBSOCKETS_MAX_BODY_SIZE": "7",
    }
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.split() == ["me", "us", "5", "6", "7"]


def test_a_limit_that_is_exceeded_names_its_remedy():
    with pytest.raises(TooManyHeaders, match="WEBSOCKETS_MAX_NUM_HEADERS"):
        parse_request(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 129 + b"\r\n")
