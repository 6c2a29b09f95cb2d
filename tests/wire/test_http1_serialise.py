"""Heads and chunks as bytes; what no message may carry is refused."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, istr

from aiohttp_ws.wire.http1 import (
    LAST_CHUNK,
    encode_chunk,
    encode_last_chunk,
    serialise_request_head,
    serialise_response,
    serialise_response_head,
)

V = (1, 1)


def test_a_response_is_its_line_its_fields_and_its_body() -> None:
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]
    expected = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
    )
    assert serialise_response_head(200, "OK", V, headers) == expected
    assert serialise_response(200, "OK", V, headers, b"body") == expected + b"body"
    assert serialise_response(200, "OK", V, headers, None) == expected
    assert serialise_response(200, "OK", V, headers, b"") == expected


def test_a_request_is_its_line_and_its_fields() -> None:
    head = serialise_request_head("GET", "/a?b=%20", (1, 0), {"Host": "a"})
    assert head == b"GET /a?b=%20 HTTP/1.0\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("status", list(HTTPStatus))
@pytest.mark.parametrize("minor", [0, 1])
def test_every_known_status_has_its_line(status: HTTPStatus, minor: int) -> None:
    expected = f"HTTP/1.{minor} {status.value} {status.phrase}\r\n\r\n".encode()
    assert serialise_response_head(status, status.phrase, (1, minor), ()) == expected


@pytest.mark.parametrize(
    ("status", "reason"), [(200, ""), (200, "Grüße"), (299, "X y"), (999, "Z")]
)
def test_a_reason_of_ones_own_is_written_as_utf8(status: int, reason: str) -> None:
    line = f"HTTP/1.1 {status} {reason}\r\n\r\n".encode()
    assert serialise_response_head(status, reason, V, ()) == line


@pytest.mark.parametrize("kind", [list, tuple, dict, CIMultiDict, iter])
def test_headers_are_pairs_or_a_mapping(kind: Callable[[Any], Any]) -> None:
    pairs = [("A", "1"), (istr("B"), "2")]
    assert serialise_request_head("GET", "/", V, kind(pairs)).endswith(b"\r\nA: 1\r\nB: 2\r\n\r\n")
    proxy = CIMultiDictProxy(CIMultiDict([("A", "1"), ("a", "2")]))
    assert b"\r\nA: 1\r\na: 2\r\n" in serialise_request_head("GET", "/", V, proxy)


def test_values_are_utf8_and_surrogates_become_their_bytes_again() -> None:
    head = serialise_request_head("GET", "/", V, [("X", "grü\udcff"), ("Y", "a\tb"), ("Z", "")])
    assert b"X: gr\xc3\xbc\xff\r\nY: a\tb\r\nZ: \r\n" in head


def test_a_large_head_is_written_whole() -> None:
    headers = [(f"X-{i}", "y" * (i * 7)) for i in range(200)]
    expected = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
    head = serialise_response(200, "OK", V, headers, b"z" * 100_000)
    assert head == b"HTTP/1.1 200 OK\r\n" + expected + b"\r\n" + b"z" * 100_000


BREAKING = ["\r", "\n", "\0", "\r\n", "\x0b", "\x7f", "\x1f"]


@pytest.mark.parametrize("bad", BREAKING)
@pytest.mark.parametrize("text", ["{}", "a{}b", "ü{}", "a" * 50 + "{}"])
def test_nothing_a_caller_passes_can_end_a_line(bad: str, text: str) -> None:
    value = text.format(bad)
    calls: list[tuple[str, Callable[[], bytes]]] = [
        ("X-Name", lambda: serialise_response_head(200, "OK", V, [("X-Name", value)])),
        ("X-Name", lambda: serialise_request_head("GET", "/", V, [("X-Name", value)])),
        ("header name", lambda: serialise_response_head(200, "OK", V, [(value, "x")])),
        ("reason", lambda: serialise_response_head(200, value, V, ())),
        ("method", lambda: serialise_request_head(value, "/", V, ())),
        ("target", lambda: serialise_request_head("GET", "/" + value, V, ())),
        ("X-Name", lambda: encode_last_chunk([("X-Name", value)])),
    ]
    for what, call in calls:
        with pytest.raises(ValueError, match=what) as caught:
            call()
        assert repr(value)[-3:-1] in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a b", "a:", "ü", "a\u0130", "(", "\udcff"])
def test_a_name_or_method_is_a_token(name: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        serialise_response_head(200, "OK", V, [(name, "x")])
    with pytest.raises(ValueError, match="not a token"):
        serialise_request_head(name, "/", V, ())


@pytest.mark.parametrize("target", ["", "/a b", "/ü", "/#x", "/\t"])
def test_a_target_is_visible_ascii_without_fragment(target: str) -> None:
    with pytest.raises(ValueError, match="percent-encode"):
        serialise_request_head("GET", target, V, ())


@pytest.mark.parametrize("bad", [None, 1, b"x", ["x"]])
def test_names_and_values_are_str(bad: Any) -> None:
    for headers in ([(bad, "x")], [("X", bad)]):
        with pytest.raises(TypeError, match="is not a str"):
            serialise_response_head(200, "OK", V, headers)
    calls: list[Callable[[], bytes]] = [
        lambda: serialise_response_head(200, bad, V, ()),
        lambda: serialise_request_head(bad, "/", V, ()),
        lambda: serialise_request_head("GET", bad, V, ()),
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("version", [(1, 2), (2, 0), (0, 9), (1,), (1, 1, 1)])
def test_other_versions_are_refused(version: Any) -> None:
    with pytest.raises(ValueError, match="version"):
        serialise_response_head(200, "OK", version, ())
    with pytest.raises(ValueError, match="version"):
        serialise_request_head("GET", "/", version, ())


@pytest.mark.parametrize("status", [-200, 0, 99, 1000])
def test_a_status_out_of_range_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match=f"status {status}"):
        serialise_response_head(status, "X", V, ())


def test_a_failing_iterable_of_headers_shows_its_error() -> None:
    def headers() -> Any:
        yield "A", "x" * 5000
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        serialise_response_head(200, "OK", V, headers())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_chunk_has_its_size_in_hexadecimal(kind: Callable[[bytes], Any]) -> None:
    assert encode_chunk(kind(b"x" * 26)) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_no_data_makes_no_chunk() -> None:
    assert encode_chunk(b"") == b""


def test_the_last_chunk_may_carry_trailers() -> None:
    assert encode_last_chunk() == LAST_CHUNK == b"0\r\n\r\n"
    assert encode_last_chunk({"X": "y"}) == b"0\r\nX: y\r\n\r\n"
