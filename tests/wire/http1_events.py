"""What the HTTP/1.1 tests share: feeding bytes in pieces and writing events down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp_ws.errors import BadHttpMessage
from aiohttp_ws.wire.http1 import END, MessageParser, RequestHead, RequestParser, ResponseParser


def in_pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut *data* at the positions in *cuts*."""
    ends = sorted({cut for cut in cuts if 0 < cut < len(data)})
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def drain(parser: MessageParser) -> list[Any]:
    """Every event that the bytes fed so far make."""
    events = []
    while (event := parser.next_event()) is not None:
        events.append(event)
    return events


def written(head: Any) -> tuple[Any, ...]:
    """A head as a tuple that compares."""
    start: tuple[Any, ...]
    if isinstance(head, RequestHead):
        start = (head.method, head.target, head.path, head.query_string, head.host)
        start += (head.expect_continue,)
    else:
        start = (head.status, head.reason, head.until_close)
    framing = (head.keep_alive, head.upgrade, head.chunked, head.content_length, head.has_body)
    return (*start, head.version, framing, head.raw_headers, tuple(head.headers.items()))


def story(parser: MessageParser, pieces: Iterable[bytes], *, eof: bool = True) -> list[Any]:
    """What *parser* makes of *pieces*: heads, whole bodies, and how it ended."""
    events: list[Any] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (event := parser.next_event()) is not None:
                if isinstance(event, bytes):
                    if events and isinstance(events[-1], bytes):
                        events[-1] += event
                    else:
                        events.append(event)
                elif event is END:
                    events.append(("END", tuple(parser.trailers.items())))
                else:
                    events.append(written(event))
        if parser.paused:
            events.append(("paused", parser.take_rest()))
        elif eof and parser.feed_eof() is END:
            events.append(("END", ()))
    except BadHttpMessage as exc:
        events.append((type(exc), exc.code, str(exc)))
    return events


def request(data: bytes, **limits: int) -> RequestHead:
    """The one request head in *data*."""
    parser = RequestParser(**limits)
    parser.feed(data)
    head = parser.next_event()
    assert isinstance(head, RequestHead)
    return head


def request_events(data: bytes, **limits: int) -> list[Any]:
    parser = RequestParser(**limits)
    parser.feed(data)
    return drain(parser)


def response_events(data: bytes, method: str = "GET", **limits: int) -> list[Any]:
    parser = ResponseParser(**limits)
    parser.expect(method)
    parser.feed(data)
    return drain(parser)


def request_refusal(data: bytes, **limits: int) -> BadHttpMessage:
    """The error that *data* meets: the same whether it comes at once or a byte at a time."""
    return _refusal(lambda: RequestParser(**limits), data)


def response_refusal(data: bytes, method: str = "GET", **limits: int) -> BadHttpMessage:
    def make() -> ResponseParser:
        parser = ResponseParser(**limits)
        parser.expect(method)
        return parser

    return _refusal(make, data)


def _refusal(make: Any, data: bytes) -> BadHttpMessage:
    errors = []
    for pieces in ([data], bytewise(data)):
        parser = make()
        error = None
        try:
            for piece in pieces:
                parser.feed(piece)
                drain(parser)
        except BadHttpMessage as exc:
            error = exc
        assert error is not None, f"accepted: {data!r}"
        errors.append(error)
    assert {(type(e), e.code, str(e)) for e in errors} == {
        (type(errors[0]), errors[0].code, str(errors[0]))
    }
    return errors[0]
