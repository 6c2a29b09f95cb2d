"""The opening handshake on headers alone, for any HTTP library (RFC 6455 4).

A first-generation interface of websockets.

A client calls :func:`build_request` and :func:`check_response`, a server :func:`check_request`
and :func:`build_response`. Their first argument is a function that sets a header, given its name
and value, or one that returns the value of a header, given its name: several lines are joined
with commas; for a missing header it returns ``None`` or ``""``, or raises :exc:`KeyError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from multidict import CIMultiDict

from ..errors import HandshakeError
from ..wire.handshake import (
    build_request_headers,
    build_response_headers,
    generate_key,
)
from ..wire.handshake import check_request as check_wire_request
from ..wire.handshake import check_response as check_wire_response
from ..wire.http1 import HTTP_11
from .refusals import explained

__all__ = ("build_request", "build_response", "check_request", "check_response")

_OF_REQUESTS = ("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
_OF_RESPONSES = ("Upgrade", "Connection", "Sec-WebSocket-Accept")


GetHeader: TypeAlias = Callable[[str], "str | None"]


def build_request(set_header: Callable[[str, str], object]) -> str:
    """Set the headers that a request needs besides ``Host``.

    :returns: the key, for :func:`check_response`.
    """
    key = generate_key()
    for name, value in build_request_headers(key):
        set_header(name, value)
    return key


def check_request(get_header: Callable[[str], str | None]) -> str:
    """Check the headers of a request; the caller checks method, version and ``Host``.

    :returns: the key, for :func:`build_response`.
    :raises InvalidHandshake: it does not open a WebSocket; a server answers with an HTTP error.
    """
    headers = _asked(get_header, _OF_REQUESTS)
    try:
        return check_wire_request("GET", HTTP_11, headers)
    except HandshakeError as exc:
        raise explained(exc) from exc


def build_response(set_header: Callable[[str, str], object], key: str) -> None:
    """Set the headers that a response with status 101 needs.

    :param key: from :func:`check_request`.
    """
    for name, value in build_response_headers(key):
        set_header(name, value)


def check_response(get_header: Callable[[str], str | None], key: str) -> None:
    """Check the headers of a response; the caller checks that its status is 101.

    :param key: from :func:`build_request`.
    :raises InvalidHandshake: it does not open a WebSocket; the client closes the connection.
    """
    headers = _asked(get_header, _OF_RESPONSES)
    try:
        check_wire_response(101, headers, key)
    except HandshakeError as exc:
        raise explained(exc) from exc


def _asked(get_header: Callable[[str], str | None], names: tuple[str, ...]) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for name in names:
        try:
            value = get_header(name)
        except KeyError:
            continue
        if value:
            headers.add(name, value)
    return headers
