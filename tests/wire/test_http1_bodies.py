"""Bodies by length and in chunks, trailers, pausing, and connections that end (RFC 9112 6 to 9)."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_ws.errors import (
    BadHttpMessage,
    ContentLengthError,
    InvalidHeader,
    LineTooLong,
    TransferEncodingError,
)
from aiohttp_ws.wire.http1 import (
    END,
    MessageParser,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
)

from .http1_events import bytewise, drain, request_events, request_refusal, story

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def sized(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size


def chunked_body(body: bytes) -> Any:
    head, *events = request_events(CHUNKED + body)
    assert head.chunked
    assert head.has_body
    return events


def test_a_body_of_known_length_ends_with_end() -> None:
    head, *events = request_events(sized(5) + b"hello")
    assert (head.content_length, head.has_body, head.chunked) == (5, True, False)
    assert events == [b"hello", END]


def test_pieces_of_body_come_as_they_arrive() -> None:
    parser = RequestParser()
    parser.feed(sized(5) + b"he")
    assert drain(parser)[1:] == [b"he"]
    parser.feed(b"l")
    assert drain(parser) == [b"l"]
    assert parser.in_message
    parser.feed(b"lo" + GET)
    last, end, head = drain(parser)
    assert (last, end, type(head)) == (b"lo", END, RequestHead)
    assert not parser.in_message


def test_an_empty_body_has_no_end() -> None:
    (head,) = request_events(sized(0))
    assert head.content_length == 0
    assert not head.has_body


def test_pipelined_requests_come_in_order() -> None:
    events = request_events(GET + sized(2) + b"ab" + CHUNKED + b"1\r\nx\r\n0\r\n\r\n" + GET)
    kinds = [type(event) for event in events]
    assert kinds == [RequestHead] * 2 + [bytes, type(END), RequestHead, bytes, type(END)] + [
        RequestHead
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", b"0123456789x"),
        (b"a\r\n0123456789\r\n000\r\n\r\n", b"0123456789"),
        (b"000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5;a\r\nhello\r\n0;b=c\r\n\r\n", b"hello"),
        (b'5;a=b;c="d \\" ; \\\\e";f\r\nhello\r\n0\r\n\r\n', b"hello"),
        (b'5;a=""\r\nhello\r\n0\r\n\r\n', b"hello"),
    ],
)
def test_chunks_are_joined_into_the_body(body: bytes, text: bytes) -> None:
    assert chunked_body(body) == [text, END]


def test_a_chunked_body_may_be_empty() -> None:
    assert chunked_body(b"0\r\n\r\n") == [END]


def test_many_tiny_chunks_cost_few_events() -> None:
    *pieces, end = chunked_body(b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")
    assert b"".join(pieces) == b"x" * 5000
    assert end is END
    assert len(pieces) <= 5


def test_a_large_chunk_comes_in_one_piece() -> None:
    data = bytes(range(256)) * 1000
    assert chunked_body(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)) == [data, END]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" 5",
        b"5 ",
        b"5\t",
        b"+5",
        b"-5",
        b"0x5",
        b"5h",
        b"5_0",
        b"5,5",
        b"\xb2",
        b"\x00",
        b"x",
        b"5\r",
        b"5 ;a",
        b"5; a",
        b"5;",
        b"5;;a",
        b"5;a=",
        b"5;a =b",
        b"5;a= b",
        b"5;=b",
        b'5;a="b',
        b'5;a="b\\',
        b'5;a="b"c',
        b'5;a="\x00"',
        b'5;a="\\\x01"',
        b"5;a\x00",
        b"5;a\rb",
        b"5;a(",
        b"f" * 16,
        b"0" * 15 + b"5",
        b"fffffffffffffffffffffffff",
    ],
)
def test_a_malformed_chunk_line_is_refused(line: bytes) -> None:
    refusal = request_refusal(CHUNKED + line + b"\r\nhello\r\n0\r\n\r\n")
    assert (type(refusal), refusal.code) == (TransferEncodingError, 400)


def test_a_chunk_line_without_cr_is_refused() -> None:
    assert "CR LF" in str(request_refusal(CHUNKED + b"5\nhello\r\n0\r\n\r\n"))
    assert "CR LF" in str(request_refusal(CHUNKED + b"5;a\nhello\r\n0\r\n\r\n"))


@pytest.mark.parametrize("end", [b"X", b"\n", b"\rX", b"X\r\n", b"\r\r\n", b"0\r\n"])
def test_a_chunk_ends_with_exactly_cr_lf(end: bytes) -> None:
    refusal = request_refusal(CHUNKED + b"5\r\nhello" + end + b"0\r\n\r\n")
    assert type(refusal) is TransferEncodingError


def test_data_before_a_fault_between_chunks_is_delivered() -> None:
    parser = RequestParser()
    parser.feed(CHUNKED + b"5\r\nhello\r\n5\r\nworld\r\nX\r\n")
    assert isinstance(parser.next_event(), RequestHead)
    assert parser.next_event() == b"helloworld"
    with pytest.raises(TransferEncodingError, match="'X"):
        parser.next_event()


def test_chunk_extensions_are_limited_over_the_whole_body() -> None:
    chunk = b"1;" + b"a" * 999 + b"\r\nx\r\n"
    _, *events = request_events(CHUNKED + chunk * 4 + b"0\r\n\r\n")
    assert events == [b"xxxx", END]
    assert "4096 bytes" in str(request_refusal(CHUNKED + chunk * 5))
    assert "4096 bytes" in str(request_refusal(CHUNKED + b"1;" + b"a" * 5000))
    # The next message starts anew.
    assert request_events((CHUNKED + chunk * 4 + b"0\r\n\r\n") * 2)[-1] is END


# --------------------------------------------------------------------------- trailers


def test_trailers_are_kept_apart_from_headers() -> None:
    parser = RequestParser()
    parser.feed(CHUNKED + b"1\r\nx\r\n0\r\nDigest: a \r\nX-Y: 1\r\nX-Y: 2\r\n\r\n")
    head = parser.next_event()
    assert isinstance(head, RequestHead)
    assert drain(parser) == [b"x", END]
    assert list(parser.trailers.items()) == [("Digest", "a"), ("X-Y", "1"), ("X-Y", "2")]
    assert "Digest" not in head.headers
    parser.feed(CHUNKED)
    drain(parser)
    assert not parser.trailers


@pytest.mark.parametrize(
    "name",
    [b"Content-Length", b"transfer-encoding", b"HOST", b"Connection", b"Authorization", b"Trailer"],
)
def test_fields_that_framing_or_routing_need_are_refused_in_trailers(name: bytes) -> None:
    refusal = request_refusal(CHUNKED + b"0\r\nX: y\r\n" + name + b": 1\r\n\r\n")
    assert (type(refusal), refusal.code) == (InvalidHeader, 400)
    assert repr(name.decode()) in str(refusal)


@pytest.mark.parametrize("line", [b"X : y", b" X: y", b"X", b"X: \x00", b"X: y\r\n z", b"X: y\n"])
def test_trailers_are_as_strict_as_headers(line: bytes) -> None:
    assert request_refusal(CHUNKED + b"0\r\n" + line + b"\r\n\r\n").code == 400


def test_trailers_have_the_limits_of_headers() -> None:
    body = CHUNKED + b"0\r\n" + b"X: y\r\n" * 4 + b"\r\n"
    assert request_events(body, max_headers=4)[-1] is END
    assert request_refusal(body, max_headers=3).code == 431
    long = CHUNKED + b"0\r\nX: " + b"y" * 100 + b"\r\n\r\n"
    assert isinstance(request_refusal(long, max_field_size=100), LineTooLong)
    assert request_events(long, max_field_size=103)[-1] is END


# ------------------------------------------------------------------ leaving HTTP, or not


def test_parsing_pauses_after_an_upgrade_request_until_it_is_handed_over() -> None:
    parser = RequestParser()
    parser.feed(UPGRADE + b"\x81\x05hello")
    (head,) = drain(parser)
    assert head.upgrade
    assert parser.paused
    parser.feed(b"more")
    assert parser.next_event() is None
    assert parser.pending == 11
    assert parser.take_rest() == b"\x81\x05hellomore"
    assert not parser.paused
    assert parser.take_rest() == b""


def test_a_declined_upgrade_goes_on_as_http() -> None:
    parser = RequestParser()
    parser.feed(UPGRADE + GET)
    assert len(drain(parser)) == 1
    parser.resume()
    (head,) = drain(parser)
    assert not head.upgrade
    with pytest.raises(RuntimeError, match="not paused"):
        parser.resume()


def test_the_body_of_an_upgrade_request_comes_before_the_pause() -> None:
    parser = RequestParser()
    parser.feed(UPGRADE[:-2] + b"Content-Length: 2\r\n\r\nabrest")
    head, *events = drain(parser)
    assert head.upgrade
    assert events == [b"ab", END]
    assert parser.take_rest() == b"rest"


def test_connect_pauses_and_has_no_body() -> None:
    parser = RequestParser()
    parser.feed(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nrest")
    (head,) = drain(parser)
    assert head.upgrade
    assert not head.has_body
    assert parser.take_rest() == b"rest"


@pytest.mark.parametrize("field", [b"Content-Length: 1", b"Transfer-Encoding: chunked"])
def test_connect_with_a_body_is_refused(field: bytes) -> None:
    data = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n" + field + b"\r\n\r\n"
    assert isinstance(request_refusal(data), InvalidHeader)


def test_nothing_is_parsed_after_a_request_that_closes() -> None:
    parser = RequestParser()
    parser.feed(GET[:-2] + b"Connection: close\r\n\r\n" + GET)
    assert len(drain(parser)) == 1
    parser.feed(b"bad")
    assert drain(parser) == []
    assert parser.pending == 0
    assert parser.feed_eof() is None


def test_a_declined_upgrade_that_closes_stays_closed() -> None:
    parser = RequestParser()
    parser.feed(b"CONNECT a:1 HTTP/1.0\r\n\r\n" + GET)
    drain(parser)
    parser.resume()
    assert drain(parser) == []


def test_the_rest_of_an_idle_parser_can_be_taken_but_not_of_a_message() -> None:
    parser = RequestParser()
    parser.feed(b"GET")
    drain(parser)
    assert parser.take_rest() == b"GET"
    parser = RequestParser()
    parser.feed(sized(5))
    drain(parser)
    with pytest.raises(RuntimeError, match="inside a message"):
        parser.take_rest()


# ------------------------------------------------------------------------ end of input


def fed(parser: MessageParser, data: bytes) -> MessageParser:
    parser.feed(data)
    drain(parser)
    return parser


@pytest.mark.parametrize("data", [b"", GET, sized(1) + b"x", CHUNKED + b"0\r\n\r\n", GET + b"\r\n"])
def test_closing_between_messages_is_no_fault(data: bytes) -> None:
    assert fed(RequestParser(), data).feed_eof() is None


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"G", BadHttpMessage),
        (GET[:-1], BadHttpMessage),
        (sized(5), ContentLengthError),
        (sized(5) + b"hell", ContentLengthError),
        (CHUNKED, TransferEncodingError),
        (CHUNKED + b"5", TransferEncodingError),
        (CHUNKED + b"5\r\nhe", TransferEncodingError),
        (CHUNKED + b"5\r\nhello", TransferEncodingError),
        (CHUNKED + b"0\r\n", TransferEncodingError),
        (CHUNKED + b"0\r\nX: y\r\n", TransferEncodingError),
    ],
)
def test_closing_inside_a_message_is_refused(data: bytes, error: type[BadHttpMessage]) -> None:
    parser = fed(RequestParser(), data)
    assert parser.in_message
    for _ in range(2):
        with pytest.raises(error) as caught:
            parser.feed_eof()
        assert type(caught.value) is error


def test_a_cut_body_says_how_much_is_missing() -> None:
    with pytest.raises(ContentLengthError, match=r"2 bytes before.*Content-Length: 5"):
        fed(RequestParser(), sized(5) + b"hel").feed_eof()


def test_closing_while_paused_is_no_fault() -> None:
    assert fed(RequestParser(), UPGRADE + b"rest").feed_eof() is None


def test_end_of_input_ends_a_body_that_runs_until_close() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\n\r\nabc")
    head, piece = drain(parser)
    assert isinstance(head, ResponseHead)
    assert head.until_close
    assert piece == b"abc"
    assert parser.feed_eof() is END
    assert parser.feed_eof() is None


# --------------------------------------------------------------------- whose memory it is


def test_fed_memory_may_be_reused_once_the_events_are_drained() -> None:
    buffer = bytearray(64)
    parser = RequestParser()
    heads = []
    for piece in (GET[:10], GET[10:], sized(3) + b"ab", b"c"):
        buffer[: len(piece)] = piece
        with memoryview(buffer)[: len(piece)] as view:
            parser.feed(view)
            heads += drain(parser)
        buffer[:] = bytes(64)
    assert [type(event) for event in heads] == [RequestHead, RequestHead, bytes, bytes, type(END)]
    assert heads[0].headers["Host"] == "a"
    buffer.append(0)  # BufferError if the parser still held it


def test_the_rest_can_be_kept_and_parsed_later() -> None:
    buffer = bytearray(GET + GET + GET[:5])
    parser = RequestParser()
    parser.feed(buffer)
    assert isinstance(parser.next_event(), RequestHead)
    parser.keep_rest()
    buffer.clear()
    assert parser.pending == len(GET) + 5
    assert [type(head) for head in drain(parser)] == [RequestHead]
    parser.feed(GET[5:])
    assert [type(head) for head in drain(parser)] == [RequestHead]
    assert parser.pending == 0


def test_feeding_more_before_draining_loses_nothing() -> None:
    data = sized(4) + b"abcd" + GET
    parser = RequestParser()
    for piece in bytewise(data):
        parser.feed(piece)
    head, body, end, second = drain(parser)
    assert (head.method, body, end, second.method) == ("POST", b"abcd", END, "GET")


def test_only_bytes_can_be_fed() -> None:
    with pytest.raises(TypeError):
        RequestParser().feed("GET")  # type: ignore[arg-type]


def test_a_byte_at_a_time_gives_the_same_story() -> None:
    data = b"\r\n" + GET + sized(5) + b"hello" + CHUNKED + b"5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n"
    assert story(RequestParser(), bytewise(data)) == story(RequestParser(), [data])


def test_bytes_may_be_fed_from_a_buffer_that_is_used_again() -> None:
    parser = RequestParser()
    buffer = bytearray(64)

    def feed(data: bytes) -> object:
        buffer[: len(data)] = data
        parser.feed_from(buffer, len(data))
        event = parser.next_event()
        parser.keep_rest()
        buffer[:] = b"!" * 64
        return event

    assert feed(b"POST / HTTP/1.1\r\nHost: x\r\nCon") is None
    head = feed(b"tent-Length: 6\r\n\r\nabc")
    assert isinstance(head, RequestHead)
    assert parser.next_event() == b"abc"
    assert parser.next_event() is None
    assert feed(b"def") == b"def"
    with pytest.raises(ValueError, match=r"size=65 exceeds the 64 bytes"):
        parser.feed_from(buffer, 65)
