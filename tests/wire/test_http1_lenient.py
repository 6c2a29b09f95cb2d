"""What a lenient parser of responses reads besides the standard, and what it still refuses."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_ws.errors import BadHttpMessage, InvalidHeader, LineTooLong, TransferEncodingError
from aiohttp_ws.wire.http1 import RequestParser, ResponseParser

from .http1_events import bytewise, drain, in_pieces, response_refusal, story

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 3\r\n\r\nabc"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def lenient(**limits: int) -> ResponseParser:
    return ResponseParser(lenient=True, **limits)


def read(data: bytes) -> Any:
    """The head, the body and the trailers of *data*: the same however the bytes are cut."""
    stories = [
        story(lenient(), pieces) for pieces in ([data], bytewise(data), in_pieces(data, [7, 19]))
    ]
    assert stories[0] == stories[1] == stories[2]
    parser = lenient()
    parser.feed(data)
    head, *rest = drain(parser)
    body = b"".join(piece for piece in rest if isinstance(piece, bytes))
    return head, body, dict(parser.trailers)


def feed_all(parser: ResponseParser, pieces: list[bytes]) -> None:
    for piece in pieces:
        parser.feed(piece)
        drain(parser)


def refusal(data: bytes, **limits: int) -> BadHttpMessage:
    errors = []
    for pieces in ([data], bytewise(data)):
        parser = lenient(**limits)
        with pytest.raises(BadHttpMessage) as caught:
            feed_all(parser, pieces)
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]) == str(errors[1])
    return errors[0]


ODD = {
    "lines that end in LF": OK.replace(b"\r", b"") + b"X: a\nContent-Length: 3\n\nabc",
    "lines that end in either": OK + b"X: a\nContent-Length: 3\r\n\nabc",
    "an empty line first": b"\r\n" + OK + b"X: a\r\n" + LENGTH,
    "an empty line of LF first": b"\n" + OK + b"X: a\r\n" + LENGTH,
    "a fold": OK + b"X:\r\n  a\r\n" + LENGTH,
    "a fold with LF": OK + b"X:\n\ta\n" + LENGTH,
    "two Hosts": OK + b"Host: a\r\nX: a\r\nHost: b\r\n" + LENGTH,
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_heads_that_only_look_odd_are_read(data: bytes) -> None:
    head, body, _ = read(data)
    assert (head.status, head.reason, head.headers["X"], body) == (200, "OK", "a", b"abc")
    assert isinstance(response_refusal(data), BadHttpMessage)


@pytest.mark.parametrize(
    ("folded", "value"),
    [
        (b"a\r\n b", "a b"),
        (b"a \t\r\n \t b", "a b"),
        (b"a\n b", "a b"),
        (b"\r\n a\r\n b\r\n\tc", "a b c"),
        (b"a\r\n \r\n b", "a b"),
        (b"a\r\n \r\n ", "a"),
        (b"a  b\r\n c", "a  b c"),
        (b"\r\n ", ""),
    ],
)
def test_a_fold_is_replaced_by_a_space(folded: bytes, value: str) -> None:
    head, body, _ = read(OK + b"A: 1\r\nX: " + folded + b"\r\nB: 2\r\n" + LENGTH)
    assert list(head.headers.items())[:3] == [("A", "1"), ("X", value), ("B", "2")]
    assert head.raw_headers[1] == (b"X", value.encode())
    assert head.first("x") == value
    assert body == b"abc"


def test_folds_count_where_they_decide() -> None:
    head, _, _ = read(OK + b"Connection: x,\r\n close\r\nContent-Encoding:\r\n gzip\r\n" + LENGTH)
    assert not head.keep_alive
    assert head.content_encoding == "gzip"


def test_control_characters_are_read() -> None:
    head, _, _ = read(b"HTTP/1.1 200 O\x01K\x7f\r\nX: a\x01\x7f" + b"\x02" * 40 + b"b\r\n" + LENGTH)
    assert head.reason == "O\x01K\x7f"
    assert head.headers["X"] == "a\x01\x7f" + "\x02" * 40 + "b"


@pytest.mark.parametrize("size", [b"3 ", b"3\t \t", b"3 ;a=b", b"3 \t;a"])
def test_white_space_after_a_chunk_size_is_read(size: bytes) -> None:
    data = CHUNKED + size + b"\r\nabc\r\n0 \r\n\r\n"
    assert read(data)[1] == b"abc"
    assert isinstance(response_refusal(data), TransferEncodingError)


def test_a_forbidden_trailer_is_left_out() -> None:
    data = CHUNKED + b"3\r\nabc\r\n0\r\nA: 1\r\nContent-Length: 5\r\nB: 2\r\nSet-Cookie: c\r\n\r\n"
    assert read(data)[1:] == (b"abc", {"A": "1", "B": "2"})
    assert isinstance(response_refusal(data), InvalidHeader)
    assert read(CHUNKED + b"0\r\nHost: a\r\n\r\n")[1:] == (b"", {})


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 3\r\n" + LENGTH,
        OK + b"Content-Length: 3, 3\r\n\r\nabc",
        OK + b"Content-Length:\r\n 3\r\n\r\nabc",
        OK + b"Content-Length: 3\r\n 0\r\n\r\nabc",
        OK + b"Content-Length: 3\r\n \r\n\r\nabc",
        OK + b"Content-Length: 3\x01\r\n\r\nabc",
        OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n , gzip\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: \x01chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n" + LENGTH,
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"3\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\n0\r\n\r\n",
        CHUNKED + b"3 3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b" \r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3 \x0b\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r \r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"0\r\nX: a\n\r\n",
        CHUNKED + b"0\r\n\n",
        CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n",
        OK + b"X: a\rb\r\n" + LENGTH,
        OK + b"X: a\r\r\n" + LENGTH,
        OK + b"\rX: a\r\n" + LENGTH,
        b"HTTP/1.1 200 O\rK\r\n" + LENGTH,
        b"HTTP/1.1 200 O\0K\r\n" + LENGTH,
        OK + b"X: a\0\r\n" + LENGTH,
        OK + b"X: a\r\n b\0\r\n" + LENGTH,
        OK + b"X : a\r\n" + LENGTH,
        OK + b" X: a\r\n" + LENGTH,
        OK + b"X\r\n" + LENGTH,
        OK + b": a\r\n" + LENGTH,
        OK + b"X\x01: a\r\n" + LENGTH,
        b"\r\r\n" + OK + LENGTH,
        b"\r\n" * 3 + OK + LENGTH,
        b"\n" * 3 + OK + LENGTH,
    ],
)
def test_what_leaves_the_length_of_the_body_open_is_refused(data: bytes) -> None:
    assert refusal(data)


def test_a_field_is_as_long_as_all_of_its_lines() -> None:
    folded = OK + b"X: " + b"a\r\n " * 20
    assert isinstance(refusal(folded + b"a\r\n" + LENGTH, max_field_size=40), LineTooLong)
    assert isinstance(refusal(OK + b"X: a\r\n" + b" \r\n" * 20, max_field_size=40), LineTooLong)
    assert isinstance(refusal(OK + b"X: a\r\n" + b" " * 50, max_field_size=40), LineTooLong)
    exact = OK + b"X: " + b"a" * 10 + b"\r\n " + b"b" * 24 + b"\r\n\r\n"
    story_ = story(lenient(max_field_size=40), [exact])
    assert dict(story_[0][-1]) == {"X": "a" * 10 + " " + "b" * 24}


def test_limits_are_the_same_for_lines_that_end_in_lf() -> None:
    for size, taken in ((15, True), (14, False)):
        parser = lenient(max_line_size=size)
        parser.feed(b"HTTP/1.1 200 OK\n\n")
        if taken:
            assert parser.next_event().status == 200
        else:
            with pytest.raises(LineTooLong):
                parser.next_event()


def test_the_policy_is_the_response_parsers_own() -> None:
    with pytest.raises(TypeError, match="lenient"):
        RequestParser(lenient=True)  # type: ignore[call-arg]
    assert isinstance(response_refusal(ODD["a fold"]), InvalidHeader)
