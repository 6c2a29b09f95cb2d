"""The opening handshake on headers alone (RFC 6455 4), on :class:`Headers`.

:mod:`aiohttp_ws.websockets.handshake` is the same for functions that set and return a header.
"""

from __future__ import annotations

from .. import handshake
from ..datastructures import Headers

__all__ = ("build_request", "build_response", "check_request", "check_response")


def build_request(headers: Headers) -> str:
    """Set the headers that a request needs besides ``Host``; return the key."""
    return handshake.build_request(headers.__setitem__)


def check_request(headers: Headers) -> str:
    """Check the headers of a request; return the key.

    :raises InvalidHandshake: it does not open a WebSocket.
    """
    return handshake.check_request(_joined(headers))


def build_response(headers: Headers, key: str) -> None:
    """Set the headers that a response with status 101 needs, for the *key* of the request."""
    handshake.build_response(headers.__setitem__, key)


def check_response(headers: Headers, key: str) -> None:
    """Check the headers of a response to the request with *key*.

    :raises InvalidHandshake: it does not open a WebSocket.
    """
    handshake.check_response(_joined(headers), key)


def _joined(headers: Headers) -> handshake.GetHeader:
    return lambda name: ", ".join(headers.get_all(name))
