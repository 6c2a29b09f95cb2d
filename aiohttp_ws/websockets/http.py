"""Requests and responses of the opening handshake, read from an asyncio stream.

A first-generation interface of websockets. It is for handshakes: bodies are left unread.
"""

from __future__ import annotations

import asyncio

from ..wire.http1 import (
    HTTP_11,
    MessageHead,
    MessageParser,
    RequestHead,
    RequestParser,
    ResponseHead,
    ResponseParser,
)
from .exceptions import RequestLineTooLong, SecurityError, StatusLineTooLong
from .http11 import LIMITS, SERVER, USER_AGENT, parse_event

__all__ = ("SERVER", "USER_AGENT", "read_request", "read_response")


async def read_request(stream: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    """Read the head of a GET request of HTTP/1.1.

    :returns: the path with its query, as it travels, and the headers as pairs of name and
        value; bytes that are not ASCII are lone surrogates.
    :raises EOFError: the stream ends inside the head.
    :raises SecurityError: a limit of :mod:`~aiohttp_ws.websockets.http11` is exceeded.
    :raises ValueError: it is not a valid GET request of HTTP/1.1 (RFC 9112).
    """
    head = await _read_head(stream, RequestParser(**LIMITS), RequestLineTooLong)
    assert isinstance(head, RequestHead)
    if head.method != "GET" or head.version != HTTP_11:
        raise ValueError(
            f"{head.method} of HTTP/{head.version[0]}.{head.version[1]} cannot open a WebSocket;"
            " send a GET of HTTP/1.1"
        )
    return head.target, _pairs(head)


async def read_response(stream: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    """Read the head of a response.

    :returns: the status and the headers, as :func:`read_request` has them.
    :raises EOFError: as :func:`read_request`, as the other exceptions.
    """
    head = await _read_head(stream, ResponseParser(**LIMITS), StatusLineTooLong)
    assert isinstance(head, ResponseHead)
    return head.status, _pairs(head)


async def _read_head(
    stream: asyncio.StreamReader, parser: MessageParser, first_line: type[SecurityError]
) -> MessageHead:
    while True:
        line = await stream.readline()
        if not line.endswith(b"\n"):
            raise EOFError("connection closed inside the head of an HTTP message")
        event = parse_event(parser, line, first_line)
        if isinstance(event, MessageHead):
            return event


def _pairs(head: MessageHead) -> list[tuple[str, str]]:
    return [
        (name.decode("ascii"), value.decode("ascii", "surrogateescape"))
        for name, value in head.raw_headers
    ]
