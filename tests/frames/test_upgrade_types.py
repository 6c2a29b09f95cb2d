"""The request and the response of an opening handshake, and the pair a factory returns."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from multidict import CIMultiDict

from aiohttp_ws.wire.http1 import RequestHead, RequestParser, ResponseHead, ResponseParser
from aiohttp_ws.ws.listeners.upgrade import (
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)


def request_of(data: bytes) -> WSUpgradeRequest:
    parser = RequestParser()
    parser.feed(data)
    head = parser.next_event()
    assert isinstance(head, RequestHead)
    return WSUpgradeRequest._of(head)


def test_a_request_has_what_its_head_has():
    request = request_of(b"GET /ws?a=%20 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
    assert (request.method, request.path) == (b"GET", b"/ws?a=%20")
    assert request.version == b"HTTP/1.1"
    assert type(request.headers) is CIMultiDict
    assert request.headers.getall("X-a") == ["1", "2"]
    assert repr(request) == "<WSUpgradeRequest GET /ws?a=%20 HTTP/1.1>"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", b"/"),
        (b"/?", b"/?"),
        (b"//a", b"//a"),
        (b"http://h/ws?a=b", b"/ws?a=b"),
        (b"http://h", b"/"),
    ],
)
def test_the_path_of_a_request_is_that_of_its_target(target: bytes, path: bytes):
    assert request_of(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target).path == path


def test_the_headers_of_a_request_are_made_once_and_can_be_changed():
    request = request_of(b"GET / HTTP/1.0\r\nA: b\r\n\r\n")
    assert request.version == b"HTTP/1.0"
    request.headers["A"] = "c"
    assert request.headers["a"] == "c"


def test_a_request_can_be_made_and_filled_in():
    request = WSUpgradeRequest()
    assert (request.method, request.path, request.version) == (b"GET", b"/", b"HTTP/1.1")
    assert request.headers == CIMultiDict()
    request.method, request.path, request.version = b"POST", b"/x", b"HTTP/1.0"
    request.headers = CIMultiDict(A="b")
    assert repr(request) == "<WSUpgradeRequest POST /x HTTP/1.0>"
    assert request.headers["a"] == "b"


@pytest.mark.parametrize(
    "made",
    [
        WSUpgradeRequest(),
        WSUpgradeResponse(),
        WSUpgradeResponseWithListener(WSUpgradeResponse(), None),
    ],
    ids=lambda made: type(made).__name__,
)
def test_a_misspelt_attribute_is_an_error(made: object):
    with pytest.raises(AttributeError):
        made.haeders = 1  # type: ignore[attr-defined]


# ------------------------------------------------------------------ responses


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            WSUpgradeResponse.create_ok_response(b"fine", {"A": "b"}),
            b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: 4\r\n\r\nfine",
        ),
        (
            WSUpgradeResponse.create_ok_response(bytearray(b"{}"), [("content-type", "x/y")]),
            b"HTTP/1.1 200 OK\r\ncontent-type: x/y\r\nContent-Length: 2\r\n\r\n{}",
        ),
        (
            WSUpgradeResponse.create_error_response(403, memoryview(b"no"), CIMultiDict(A="b")),
            b"HTTP/1.1 403 Forbidden\r\nA: b\r\nContent-Length: 2\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n\r\nno",
        ),
        (
            WSUpgradeResponse.create_error_response(HTTPStatus.TOO_MANY_REQUESTS),
            b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            WSUpgradeResponse.create_error_response(499),
            b"HTTP/1.1 499 \r\nContent-Length: 0\r\n\r\n",
        ),
        (
            WSUpgradeResponse.create_redirect_response(302, "/x", {"A": "b", "location": "/y"}),
            b"HTTP/1.1 302 Found\r\nA: b\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            WSUpgradeResponse.create_101_response({"A": "b"}),
            b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\n\r\n",
        ),
        (
            WSUpgradeResponse.create_101_response({"upgrade": "h2c", "connection": "close"}),
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"\r\n",
        ),
    ],
)
def test_a_response_as_it_travels(response: WSUpgradeResponse, expected: bytes):
    data = response.to_bytes()
    lines, wanted = data.split(b"\r\n"), expected.split(b"\r\n")
    assert (lines[0], sorted(lines[1:])) == (wanted[0], sorted(wanted[1:]))
    parser = ResponseParser()
    parser.feed(data)
    head = parser.next_event()
    assert isinstance(head, ResponseHead)
    assert head.status == response.status


def test_making_the_bytes_changes_nothing():
    response = WSUpgradeResponse.create_error_response(404, b"no")
    assert response.to_bytes() == response.to_bytes()
    assert "Content-Length" not in response.headers


def test_a_status_is_an_enum_member_where_there_is_one():
    assert WSUpgradeResponse.create_error_response(404).status is HTTPStatus.NOT_FOUND
    unknown = WSUpgradeResponse.create_error_response(599)
    assert type(unknown.status) is int
    assert repr(unknown) == "<WSUpgradeResponse 599>"
    assert repr(WSUpgradeResponse.create_ok_response()) == "<WSUpgradeResponse 200>"


def test_a_response_has_what_its_head_has():
    parser = ResponseParser()
    parser.feed(b"HTTP/1.0 403 Sorry\r\nA: b\r\nContent-Length: 2\r\n\r\nno")
    head, body = parser.next_event(), parser.next_event()
    assert isinstance(head, ResponseHead)
    assert isinstance(body, bytes)
    response = WSUpgradeResponse._of(head, body)
    assert (response.version, response.status) == (b"HTTP/1.0", HTTPStatus.FORBIDDEN)
    assert (response.headers["a"], response.body) == ("b", b"no")


@pytest.mark.parametrize("status", [-1, 0, 101, 200, 302, 399, 600, 1000])
def test_an_error_is_400_to_599(status: int):
    with pytest.raises(
        ValueError, match=f"status {status} is not an error; pass one from 400 to 599"
    ):
        WSUpgradeResponse.create_error_response(status)


@pytest.mark.parametrize("status", [200, 299, 304, 400, 404])
def test_a_redirect_is_300_to_399(status: int):
    with pytest.raises(ValueError, match=f"status {status} is not a redirect"):
        WSUpgradeResponse.create_redirect_response(status, "/")


@pytest.mark.parametrize("body", ["text", 5, [b"x"]])
def test_a_body_is_bytes(body: Any):
    with pytest.raises(TypeError, match="encode it"):
        WSUpgradeResponse.create_ok_response(body)
    with pytest.raises(TypeError, match="encode it"):
        WSUpgradeResponse.create_error_response(400, body)


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "b\r\nSet-Cookie: c"},
        {"A": "b\nc"},
        {"A": "b\0"},
        {"A\r\nB": "c"},
        {"A:": "b"},
        {"": "b"},
    ],
)
def test_no_header_can_bring_another(headers: dict[str, str]):
    for response in (
        WSUpgradeResponse.create_101_response(headers),
        WSUpgradeResponse.create_error_response(400, b"x", headers),
        WSUpgradeResponse.create_redirect_response(302, "/", headers),
    ):
        with pytest.raises(ValueError, match=r"control character|not a token"):
            response.to_bytes()
    with pytest.raises(ValueError, match="control character"):
        WSUpgradeResponse.create_redirect_response(302, "/\r\nA: b").to_bytes()


@pytest.mark.parametrize("status", [101, 204, 304])
def test_a_status_without_a_body_has_none(status: int):
    response = WSUpgradeResponse()
    response.status = status
    assert b"Content-Length" not in response.to_bytes()
    response.body = b"x"
    with pytest.raises(ValueError, match=f"status {status} has no body, and this one has 1 b"):
        response.to_bytes()
    response.body = None
    response.headers["Content-Length"] = "0"
    with pytest.raises(ValueError, match="has no Content-Length"):
        response.to_bytes()


@pytest.mark.parametrize("length", ["3", "02", "x", ""])
def test_a_length_that_contradicts_the_body_is_refused(length: str):
    headers = {"Content-Length": length}
    with pytest.raises(ValueError, match="contradicts a body of 2 bytes; leave it out"):
        WSUpgradeResponse.create_error_response(400, b"no", headers).to_bytes()
    with pytest.raises(ValueError, match="Transfer-Encoding"):
        WSUpgradeResponse.create_ok_response(b"no", {"Transfer-Encoding": "chunked"}).to_bytes()


def test_the_version_is_one_that_http_1_has():
    response = WSUpgradeResponse.create_ok_response()
    response.version = b"HTTP/1.0"
    assert response.to_bytes().startswith(b"HTTP/1.0 200 OK\r\n")
    response.version = b"HTTP/2\r\n"
    with pytest.raises(ValueError, match="version b'HTTP/2"):
        response.to_bytes()


# ------------------------------------------------------------------ with a listener


def test_a_listener_goes_with_a_101_and_not_with_an_error():
    listener: Any = object()
    accepted = WSUpgradeResponse.create_101_response()
    refused = WSUpgradeResponse.create_error_response(403)
    both = WSUpgradeResponseWithListener(accepted, listener)
    assert (both.response, both.listener) == (accepted, listener)
    assert WSUpgradeResponseWithListener(refused, None).listener is None
    moved = WSUpgradeResponse.create_redirect_response(302, "/")
    assert WSUpgradeResponseWithListener(moved, listener).response is moved
    with pytest.raises(ValueError, match="101 needs a listener"):
        WSUpgradeResponseWithListener(accepted, None)
    with pytest.raises(ValueError, match="403 has no connection for a listener"):
        WSUpgradeResponseWithListener(refused, listener)
