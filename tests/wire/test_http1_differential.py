"""Our parser beside two others: where both accept, they agree; every refusal is explained.

A disagreement is explained when the fault we name is one we refuse on purpose and the peer
is known to let pass, or when the peer's own reason for refusing is one of the few listed.
Anything else fails: an unexplained difference between parsers is how requests are smuggled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_ws.errors import BadHttpMessage
from aiohttp_ws.wire.http1 import END, RequestHead, RequestParser
from tests.effort import examples
from tests.peers import import_peer

h11 = import_peer("h11")
httptools = import_peer("httptools")


@dataclass
class Message:
    method: str
    target: str
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    complete: bool = False


@dataclass
class Verdict:
    """The messages that a parser saw, why it stopped if it refused, or that it hung up."""

    messages: list[Message]
    refusal: str | None = None
    ended: bool = False

    def progress(self) -> tuple[int, bool, int]:
        """How far the parser came."""
        if not self.messages:
            return (0, False, 0)
        last = self.messages[-1]
        return (len(self.messages), last.complete, len(last.body))


def ours(data: bytes) -> Verdict:
    verdict = Verdict([])
    parser = RequestParser()
    parser.feed(data)
    try:
        while (event := parser.next_event()) is not None:
            if isinstance(event, RequestHead):
                fields = [(name.lower(), value) for name, value in event.raw_headers]
                message = Message(event.method, event.target, fields)
                message.complete = not event.has_body
                verdict.messages.append(message)
            elif event is END:
                verdict.messages[-1].complete = True
            else:
                assert isinstance(event, bytes)
                verdict.messages[-1].body += event
    except BadHttpMessage as exc:
        verdict.refusal = str(exc)
    return verdict


def through_h11(data: bytes) -> Verdict:
    verdict = Verdict([])
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                method, target = event.method.decode(), event.target.decode("latin-1")
                verdict.messages.append(Message(method, target, list(event.headers)))
            elif isinstance(event, h11.Data):
                verdict.messages[-1].body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                verdict.messages[-1].complete = True
                answer = h11.Response(status_code=200, headers=[("Content-Length", "0")])
                connection.send(answer)
                connection.send(h11.EndOfMessage())
                if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                    verdict.ended = True  # always so for HTTP/1.0
                    return verdict
                connection.start_next_cycle()
            else:
                return verdict
    except h11.RemoteProtocolError as exc:
        verdict.refusal = str(exc)
    return verdict


class HttptoolsEvents:
    def __init__(self) -> None:
        self.verdict = Verdict([])
        self.parser = httptools.HttpRequestParser(self)
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.in_head = True

    def on_message_begin(self) -> None:
        self.target, self.fields, self.in_head = b"", [], True

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # trailers come here too
            self.fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.in_head = False
        method = self.parser.get_method().decode()
        message = Message(method, self.target.decode("latin-1"), self.fields)
        self.verdict.messages.append(message)

    def on_body(self, body: bytes) -> None:
        self.verdict.messages[-1].body += body

    def on_message_complete(self) -> None:
        self.verdict.messages[-1].complete = True


def through_httptools(data: bytes) -> Verdict:
    events = HttptoolsEvents()
    try:
        events.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as exc:
        events.verdict.refusal = f"{type(exc).__name__}: {exc}"
    return events.verdict


# What we refuse on purpose though the peer accepts it: how our refusal reads.
STRICTER_THAN_BOTH = [
    "Host .* is not host or host:port",
    "Host .* differs from the host of the absolute request target",
    "request target .* is neither a path, an http URL nor the \\* of OPTIONS",
    "request target .* of CONNECT is not host:port",
    "request target .* ends in a byte that targets must percent-encode",  # '#', not ASCII
    "chunk line .* has a malformed extension",
    "chunk size .* has more than 15 digits",
    "chunk extensions of one message exceed",
    "field .* is not allowed in a trailer section",
    "Transfer-Encoding in an HTTP/1.0 message",
    "CONNECT' with a body",
    "a line ends in CR LF and holds neither",
    "does not begin an HTTP/1.1 message",  # LF or CR between messages
]
STRICTER_THAN_H11 = [
    *STRICTER_THAN_BOTH,
    "a method is a token without lower-case letters",
    "is not supported: HTTP/1.1 and HTTP/1.0 are",
    "a second Content-Length",  # h11 joins equal ones
    "both Content-Length and Transfer-Encoding",  # h11 lets Transfer-Encoding win
    "a field is folded over lines",
    "Content-Length '' is not a decimal number",  # the rest is on a folded line
    "Transfer-Encoding '': chunked must be",
    "field .* ends in a control character",  # h11 allows those that RFC 9110 lets pass
    "chunk line .* does not begin with a hexadecimal size",  # whitespace after the size
    "a field has a colon after its name",  # LF LF, or a head h11 has not finished
]
STRICTER_THAN_HTTPTOOLS = [
    *STRICTER_THAN_BOTH,
    "no Host in an HTTP/1.1 request",
    "a second Host",
    "Transfer-Encoding .*: chunked must be the last coding",  # split over two fields
    "a second Transfer-Encoding",
    "is not HTTP/1.1 or HTTP/1.0",  # spaces around the target
    "the first line is not METHOD SP target SP HTTP-version",  # HTTP/0.9
]
# What the peer refuses though we accept it: how its refusal reads.
H11_STRICTER = [
    "no request line received",  # an empty line between requests, RFC 9112 2.2
]
HTTPTOOLS_STRICTER = [
    "HttpParserInvalidMethodError",  # it knows a list of methods; RFC 9110 9.1 has no list
    "Data after `Connection: close`",  # we drop it
    "invalid `Transfer-Encoding`",  # HTAB after "chunked", which RFC 9110 5.5 says to strip
]


def explained(text: str, reasons: list[str]) -> bool:
    return any(re.search(reason, text) for reason in reasons)


def compare(
    data: bytes, peer: Callable[[bytes], Verdict], stricter_we: list[str], stricter_they: list[str]
) -> None:
    us, them = ours(data), peer(data)
    # A parser that only waits for more bytes has accepted nothing.
    if us.refusal and not them.refusal and them.progress() > us.progress():
        assert explained(us.refusal, stricter_we), (data, us, them)
    if them.refusal and not us.refusal and us.progress() > them.progress():
        assert explained(them.refusal, stricter_they), (data, us, them)
    for mine, theirs in zip(us.messages, them.messages, strict=False):
        if mine.complete and theirs.complete:
            assert mine == theirs, data
    if not us.refusal and not them.refusal and not them.ended:
        assert us.messages == them.messages, data


BASES = [
    b"GET /a?b=c HTTP/1.1\r\nHost: a.b:80\r\nX: y z\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"a;x=y\r\nhellohello\r\n0\r\nT: v\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET http://a.b/x HTTP/1.1\r\nHost: a.b\r\nConnection: close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
]
INSERTIONS = [
    b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\x00", b"\x0b", b"\x7f", b"\xe9", b",", b";", b"#",
    b"/", b"0", b"5", b"f", b"x", b"+", b"-", b"_", b'"', b"A", b"chunked", b"Host: b\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Expect: 100-continue\r\n", b"X: y\r\n",
]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """One or two valid requests with a few bytes inserted, replaced or removed."""
    data = b"".join(draw(st.lists(st.sampled_from(BASES), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data) - 1))
        insertion = draw(st.sampled_from(INSERTIONS) | st.binary(max_size=1))
        data = data[:at] + insertion + data[at + draw(st.integers(0, 1)) :]
    return data


@settings(max_examples=examples(800))
@given(mutants())
def test_h11_agrees_but_where_we_are_stricter_on_purpose(data: bytes) -> None:
    compare(data, through_h11, STRICTER_THAN_H11, H11_STRICTER)


@settings(max_examples=examples(800))
@given(mutants())
def test_httptools_agrees_but_where_we_are_stricter_on_purpose(data: bytes) -> None:
    compare(data, through_httptools, STRICTER_THAN_HTTPTOOLS, HTTPTOOLS_STRICTER)


@pytest.mark.parametrize("data", BASES)
def test_all_three_read_a_valid_request_alike(data: bytes) -> None:
    verdict = ours(data + data)
    assert verdict.refusal is None
    assert all(message.complete for message in verdict.messages)
    if b"close" not in data:
        assert len(verdict.messages) == 2
    messages = ours(data).messages
    assert messages == through_h11(data).messages == through_httptools(data).messages


SMUGGLING = [
    b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"Content-Length: 5, 6\r\n\r\nhello",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"X: y\x00\r\n\r\n",
]


@pytest.mark.parametrize("rest", SMUGGLING)
def test_what_the_peers_refuse_or_read_differently_we_refuse(rest: bytes) -> None:
    assert ours(b"POST / HTTP/1.1\r\nHost: a\r\n" + rest).refusal is not None
