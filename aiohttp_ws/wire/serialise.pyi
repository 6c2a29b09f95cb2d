"""Heads, chunks and small messages of HTTP/1.1 as bytes (RFC 9112).

Nothing a caller passes can end a line: control characters raise :exc:`ValueError`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ..argument_types import Byteish

LAST_CHUNK: Final[bytes]
"""The chunk that ends a chunked body without trailers."""

def serialise_response(
    status: int,
    reason: str,
    version: tuple[int, int],
    headers: Iterable[tuple[str, str]] | Mapping[str, str],
    body: bytes | None = None,
) -> bytes:
    """Return status line, *headers* and *body* as one bytes object.

    :param status: 100 to 999.
    :param version: ``(1, 1)`` or ``(1, 0)``.
    :param headers: pairs, or a mapping; nothing is added to them.
    :raises ValueError: for a status, version, reason, name or value HTTP cannot carry.
    :raises TypeError: for a reason, name or value that is not a str.
    """

def serialise_response_head(
    status: int,
    reason: str,
    version: tuple[int, int],
    headers: Iterable[tuple[str, str]] | Mapping[str, str],
) -> bytes:
    """Return status line and *headers*; parameters and errors of :func:`serialise_response`."""

def serialise_request_head(
    method: str,
    target: str,
    version: tuple[int, int],
    headers: Iterable[tuple[str, str]] | Mapping[str, str],
) -> bytes:
    """Return request line and *headers*; nothing is added to them.

    :param method: a token (RFC 9110 9.1).
    :param target: the request target, visible ASCII without ``#`` (RFC 9112 3.2).
    :raises ValueError: for a method, target, version, name or value HTTP cannot carry.
    :raises TypeError: for one that is not a str.
    """

def serialise_fields(headers: Iterable[tuple[str, str]] | Mapping[str, str]) -> bytes:
    """Return *headers* as lines, without the empty one that ends a head.

    :raises ValueError: for a name or value HTTP cannot carry.
    :raises TypeError: for one that is not a str.
    """

def is_request_target(target: str) -> bool:
    """Whether *target* is visible ASCII without ``#`` (RFC 9112 3.2)."""

def encode_chunk(data: Byteish) -> bytes:
    """Return *data* as one chunk; ``b""`` for no data, since an empty chunk ends the body."""

def encode_last_chunk(trailers: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> bytes:
    """Return the last chunk followed by *trailers* (RFC 9112 7.1.2).

    :raises ValueError: for a name or value HTTP cannot carry.
    """
