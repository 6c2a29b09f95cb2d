"""Every limit has a name, a default and an error that says what to raise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import pytest

from aiohttp_ws.errors import LineTooLong
from aiohttp_ws.wire.http1 import MessageParser, RequestParser, ResponseParser

from .http1_events import (
    bytewise,
    drain,
    request,
    request_refusal,
    response_events,
    response_refusal,
)


def line_of(size: int) -> bytes:
    return b"GET /" + b"a" * (size - 14) + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def field_of(size: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (size - 3) + b"\r\n\r\n"


def fields(count: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * (count - 1) + b"\r\n"


@pytest.mark.parametrize(
    ("make", "limit", "default", "status"),
    [
        (line_of, "max_line_size", 8190, 414),
        (field_of, "max_field_size", 8190, 431),
        (fields, "max_headers", 128, 431),
    ],
)
def test_a_limit_is_met_exactly_and_its_error_says_what_to_raise(
    make: Callable[[int], bytes], limit: str, default: int, status: int
) -> None:
    for size, limits in ((default, {}), (40, {limit: 40})):
        assert request(make(size), **limits).method == "GET"
        refusal = request_refusal(make(size + 1), **limits)
        assert (type(refusal), refusal.code) == (LineTooLong, status)
        assert f"{limit}={size}" in str(refusal)
        assert f"raise {limit} to accept it" in str(refusal)
        assert (refusal.limit, refusal.maximum) == (limit, size)
        assert refusal.excerpt in str(refusal)


@pytest.mark.parametrize(
    "start", [b"G", b"GET /", b"GET / HTTP/1.1\r\nX", b"GET / HTTP/1.1\r\nX: "]
)
def test_a_line_that_never_ends_is_refused_at_the_limit(start: bytes) -> None:
    refusal = request_refusal(start + b"A" * 120, max_line_size=100, max_field_size=100)
    assert isinstance(refusal, LineTooLong)


def test_the_length_counts_before_what_else_is_wrong_with_a_line() -> None:
    refusal = request_refusal(b"GET /\x00" + b"a" * 100 + b" HTTP/1.1\r\n\r\n", max_line_size=50)
    assert isinstance(refusal, LineTooLong)


def test_the_responses_have_the_same_limits() -> None:
    line = b"HTTP/1.1 200 " + b"a" * 27 + b"\r\n"
    tail = b"Content-Length: 0\r\n\r\n"
    assert response_events(line + tail, max_line_size=40)
    assert isinstance(response_refusal(line + tail, max_line_size=39), LineTooLong)
    assert isinstance(response_refusal(line + tail, max_field_size=10), LineTooLong)
    assert isinstance(response_refusal(line + b"X: y\r\n" + tail, max_headers=1), LineTooLong)


@pytest.mark.parametrize("limit", ["max_line_size", "max_field_size", "max_headers"])
@pytest.mark.parametrize("value", [0, -1, 2**31])
def test_a_limit_out_of_range_is_refused(limit: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{limit}={value}"):
        RequestParser(**{limit: value})


def test_limits_that_allow_enormous_heads_are_refused() -> None:
    with pytest.raises(ValueError, match="2 GiB"):
        RequestParser(max_field_size=2**20, max_headers=2**12)


def test_the_shared_base_is_not_a_parser() -> None:
    with pytest.raises(TypeError, match="RequestParser"):
        MessageParser()


@pytest.mark.parametrize("parser", [RequestParser(), ResponseParser()])
def test_a_parser_between_messages_holds_no_bytes(parser: MessageParser) -> None:
    assert (parser.pending, parser.in_message, parser.paused) == (0, False, False)


def cost(pieces: Iterable[bytes], **limits: int) -> float:
    """CPU seconds that parsing *pieces* takes."""
    parser = RequestParser(**limits)
    start = time.process_time()
    for piece in pieces:
        parser.feed(piece)
        drain(parser)
    return time.process_time() - start


@pytest.mark.parametrize(
    "make",
    [
        line_of,
        field_of,
        lambda size: fields(size // 6),
        lambda size: (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
            + b"X: y\r\n" * (size // 6)
        ),
        lambda size: b"GET /" + b"\r" * size,
    ],
    ids=["line", "field", "fields", "trailers", "bare CR"],
)
def test_a_byte_at_a_time_takes_linear_time(make: Callable[[int], bytes]) -> None:
    """Ten times the bytes may take about ten times the time; a hundred would be quadratic."""
    limits = {"max_line_size": 2**20, "max_field_size": 2**20, "max_headers": 1000}
    small, large = make(600), make(6000)
    one = min(cost(bytewise(small), **limits) for _ in range(5))
    ten = min(cost(bytewise(large), **limits) for _ in range(5))
    assert ten < 35 * one + 0.001
