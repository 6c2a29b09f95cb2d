"""Requests and responses of the opening handshake, read from an asyncio stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ...http.headers import reason_of
from .. import http
from ..datastructures import Headers

__all__ = ("read_request", "read_response")


async def read_request(stream: asyncio.StreamReader) -> tuple[str, Headers]:
    """Read the head of a GET request; return its path with the query, and its headers.

    :raises EOFError, SecurityError, ValueError: as
        :func:`aiohttp_ws.websockets.http.read_request`.
    """
    path, headers = await http.read_request(stream)
    return path, _collected(headers)


async def read_response(stream: asyncio.StreamReader) -> tuple[int, str, Headers]:
    """Read the head of a response; return its status, its usual reason phrase, its headers.

    :raises EOFError, SecurityError, ValueError: as
        :func:`aiohttp_ws.websockets.http.read_request`.
    """
    status, headers = await http.read_response(stream)
    return status, reason_of(status), _collected(headers)


def _collected(pairs: Iterable[tuple[str, str]]) -> Headers:
    headers = Headers()
    for name, value in pairs:
        headers[name] = value
    return headers
