"""The opening handshake of both sides, as functions on headers (RFC 6455 4).

A refusal is a :class:`~aiohttp_ws.HandshakeError` with a kind, the header and its value; the
HTTP status to refuse with is its ``status``.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from multidict import MultiMapping

from .. import hdrs
from ..errors import HandshakeError, HandshakeFault
from .deflate import DeflateOptions, DeflateParams, accept_response, negotiate
from .extensions import is_token, parse_extensions

__all__ = (
    "ServerHandshake",
    "accept_key",
    "accept_request",
    "build_request_headers",
    "accepting_headers",
    "build_response_headers",
    "check_origin",
    "check_request",
    "check_response",
    "generate_key",
    "offered_subprotocols",
    "select_subprotocol",
)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
_VERSION = "13"
_KEY_BYTES = 16


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` that answers a ``Sec-WebSocket-Key`` (RFC 6455 4.2.2)."""
    # SHA-1 proves here that the peer speaks WebSocket; it protects nothing.
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return binascii.b2a_base64(digest, newline=False).decode("ascii")


def generate_key() -> str:
    """A ``Sec-WebSocket-Key``: 16 random bytes in base64 (RFC 6455 4.1)."""
    return binascii.b2a_base64(os.urandom(_KEY_BYTES), newline=False).decode("ascii")


def _single(headers: MultiMapping[str], name: str) -> str | None:
    """The value of a header that may come once, or ``None``."""
    values = headers.getall(name, None)
    if values is None:
        return None
    if len(values) > 1:
        raise HandshakeError(HandshakeFault.REPEATED, name, ", ".join(values))
    return values[0]


def _has_token(values: Iterable[str], token: str) -> bool:
    """Whether a comma list, over any number of lines, holds *token* in any case."""
    for value in values:
        folded = value.lower()
        if folded == token:
            return True
        if token in folded and token in map(_strip, folded.split(",")):
            return True
    return False


def _strip(value: str) -> str:
    return value.strip(" \t")


def _no_upgrade(name: str, values: Sequence[str] | None, expected: str) -> HandshakeError:
    value = None if values is None else ", ".join(values)
    return HandshakeError(HandshakeFault.NO_UPGRADE, name, value, expected=expected)


# ------------------------------------------------------------------------- the server


@dataclass(slots=True)
class ServerHandshake:
    """How a server answers an opening handshake that it accepts.

    :param accept: the value of ``Sec-WebSocket-Accept``.
    :param subprotocol: the negotiated one, or ``None``.
    :param deflate: the negotiated permessage-deflate parameters, or ``None``.
    :param headers: every header that the 101 response needs.
    :param extra: headers that the user adds to them.
    """

    accept: str
    subprotocol: str | None
    deflate: DeflateParams | None
    headers: list[tuple[str, str]]
    extra: Sequence[tuple[str, str]] = ()

    def choose(self, subprotocol: str) -> None:
        """Answer with *subprotocol*, which the client offered, in place of the negotiated one."""
        name = hdrs.SEC_WEBSOCKET_PROTOCOL
        self.subprotocol = subprotocol
        self.headers = [pair for pair in self.headers if pair[0] != name]
        self.headers.append((name, subprotocol))


def accept_request(
    method: str,
    version: tuple[int, int],
    headers: MultiMapping[str],
    *,
    origins: Sequence[str | re.Pattern[str] | None] | None = None,
    subprotocols: Sequence[str] = (),
    deflate: DeflateOptions | None = None,
) -> ServerHandshake:
    """Check a request for an upgrade to WebSocket and decide the answer (RFC 6455 4.2).

    :param origins: as in :func:`check_origin`.
    :param subprotocols: those the server speaks, as in :func:`select_subprotocol`.
    :param deflate: what the server wants of permessage-deflate; ``None`` to do without.
    :raises HandshakeError: the request is refused, for the reason it gives.
    """
    key = check_request(method, version, headers)
    if origins is not None:
        check_origin(headers.get(hdrs.ORIGIN), origins)
    subprotocol = None
    offered = headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, None)
    if offered is not None:
        subprotocol = select_subprotocol(offered, subprotocols)
    agreed = None
    offers = headers.getall(hdrs.SEC_WEBSOCKET_EXTENSIONS, None)
    if offers is not None and deflate is not None:
        agreed = negotiate(", ".join(offers), deflate)
    params, extension = (None, None) if agreed is None else agreed
    answer = build_response_headers(key, subprotocol, extension)
    return ServerHandshake(answer[2][1], subprotocol, params, answer)


def check_request(method: str, version: tuple[int, int], headers: MultiMapping[str]) -> str:
    """Check what RFC 6455 4.2.1 demands of the client's half.

    :param version: of HTTP, such as ``(1, 1)``.
    :param headers: any multidict without case, values as they came.
    :returns: the ``Sec-WebSocket-Key``.
    :raises HandshakeError: with status 405 for another method than GET, 426 for another
        version of the protocol than 13, 400 for the rest.
    """
    if method != hdrs.METH_GET:
        raise HandshakeError(
            HandshakeFault.METHOD, value=method, status=405, headers={"Allow": "GET"}
        )
    if version < (1, 1):
        raise HandshakeError(HandshakeFault.HTTP_VERSION, value=f"{version[0]}.{version[1]}")
    # Where a body ends and frames begin, a proxy and we might see differently.
    if hdrs.TRANSFER_ENCODING in headers or headers.get(hdrs.CONTENT_LENGTH, "0").strip("0"):
        raise HandshakeError(HandshakeFault.BODY)
    upgrade = headers.getall(hdrs.UPGRADE, None)
    if upgrade is None or not _has_token(upgrade, "websocket"):
        raise _no_upgrade(hdrs.UPGRADE, upgrade, "websocket")
    connection = headers.getall(hdrs.CONNECTION, None)
    if connection is None or not _has_token(connection, "upgrade"):
        raise _no_upgrade(hdrs.CONNECTION, connection, "upgrade")
    protocol = _single(headers, hdrs.SEC_WEBSOCKET_VERSION)
    if protocol != _VERSION:
        raise HandshakeError(
            HandshakeFault.MISSING if protocol is None else HandshakeFault.WRONG_VALUE,
            hdrs.SEC_WEBSOCKET_VERSION,
            protocol,
            expected=_VERSION,
            status=426,  # RFC 6455 4.4
            headers={"Sec-WebSocket-Version": _VERSION},
        )
    # One page's scripts must not be able to speak for another (10.2) by a second line.
    _single(headers, hdrs.ORIGIN)
    key = _single(headers, hdrs.SEC_WEBSOCKET_KEY)
    if key is None:
        raise HandshakeError(HandshakeFault.MISSING, hdrs.SEC_WEBSOCKET_KEY)
    if not _is_key(key):
        raise HandshakeError(
            HandshakeFault.WRONG_VALUE,
            hdrs.SEC_WEBSOCKET_KEY,
            key,
            expected="16 bytes in base64",
        )
    return key


def _is_key(key: str) -> bool:
    # 16 bytes are 22 characters and two of padding. The decoder passes over characters that
    # are not base64, but then fewer than 16 bytes come out.
    if len(key) != 24 or not key.endswith("=="):
        return False
    try:
        return len(binascii.a2b_base64(key)) == _KEY_BYTES
    except ValueError:
        return False


def check_origin(
    origin: str | None, allowed: Sequence[str | re.Pattern[str] | None] | None
) -> None:
    """Refuse pages of foreign sites (RFC 6455 10.2).

    :param origin: the request's ``Origin``; ``None`` when it has none, as programs other
        than browsers send it.
    :param allowed: origins such as ``"https://example.com"`` (scheme and host in any case),
        compiled patterns that match the whole origin, and ``None`` to allow requests without
        one. ``None`` instead of a sequence allows all.
    :raises HandshakeError: with status 403.
    """
    if allowed is None:
        return
    folded = None if origin is None else origin.lower()
    for entry in allowed:
        if entry is None or isinstance(entry, str):
            # An origin is a scheme, a host and a port (RFC 6454 4): no case in any of them.
            if (entry if entry is None else entry.lower()) == folded:
                return
        elif origin is not None and entry.fullmatch(origin):
            return
    raise HandshakeError(HandshakeFault.ORIGIN_REFUSED, hdrs.ORIGIN, origin, status=403)


def select_subprotocol(offered: Iterable[str], supported: Sequence[str]) -> str | None:
    """The first subprotocol a client offers that the server supports.

    The client's order counts, as in aiohttp: RFC 6455 4.1 has it list what it prefers first.

    :param offered: the values of all ``Sec-WebSocket-Protocol`` lines.
    :param supported: subprotocols in any order; compared with case (RFC 6455 4.2.2).
    :returns: ``None`` when there is none in common.
    """
    if supported:
        for line in offered:
            for name in line.split(","):
                name = name.strip(" \t")
                if name and name in supported:
                    return name
    return None


def offered_subprotocols(lines: Iterable[str]) -> list[str]:
    """The subprotocols that a client offers, in its order.

    What is not a token, which RFC 6455 4.1 forbids, is passed over: clients exist that send
    URLs or credentials here, and what we do not speak, we need not understand.

    :param lines: the values of all ``Sec-WebSocket-Protocol`` lines.
    """
    names = [name.strip(" \t") for line in lines for name in line.split(",")]
    return [name for name in names if is_token(name)]


def build_response_headers(
    key: str, subprotocol: str | None = None, extension: str | None = None
) -> list[tuple[str, str]]:
    """The headers of the 101 response (RFC 6455 4.2.2).

    :param key: the request's ``Sec-WebSocket-Key``, checked.
    :param extension: the value of ``Sec-WebSocket-Extensions``, or ``None``.
    """
    headers = accepting_headers(accept_key(key))
    if subprotocol is not None:
        headers.append((hdrs.SEC_WEBSOCKET_PROTOCOL, subprotocol))
    if extension is not None:
        headers.append((hdrs.SEC_WEBSOCKET_EXTENSIONS, extension))
    return headers


def accepting_headers(accept: str) -> list[tuple[str, str]]:
    """The three headers that every 101 response begins with; *accept* answers the key."""
    return [
        (hdrs.UPGRADE, "websocket"),
        (hdrs.CONNECTION, "Upgrade"),
        (hdrs.SEC_WEBSOCKET_ACCEPT, accept),
    ]


# ------------------------------------------------------------------------- the client


def build_request_headers(
    key: str,
    subprotocols: Iterable[str] = (),
    extension: str | None = None,
    origin: str | None = None,
) -> list[tuple[str, str]]:
    """The headers of a request for an upgrade to WebSocket (RFC 6455 4.1), without ``Host``.

    :param key: from :func:`generate_key`.
    :param subprotocols: what to offer, preferred first.
    :param extension: the value of ``Sec-WebSocket-Extensions``, or ``None``.
    :param origin: the value of ``Origin``, or ``None`` to send none.
    :raises TypeError: *subprotocols* is one string.
    :raises ValueError: a subprotocol is not a token, or comes twice.
    """
    headers: list[tuple[str, str]] = [
        (hdrs.UPGRADE, "websocket"),
        (hdrs.CONNECTION, "Upgrade"),
        (hdrs.SEC_WEBSOCKET_VERSION, _VERSION),
        (hdrs.SEC_WEBSOCKET_KEY, key),
    ]
    if isinstance(subprotocols, str):
        raise TypeError(f"subprotocols must be a sequence of strings, not {subprotocols!r}")
    names = list(subprotocols)
    for name in names:
        if not is_token(name):
            raise ValueError(f"subprotocol {name!r} is not a token (RFC 9110 5.6.2)")
    if len(set(names)) != len(names):
        raise ValueError(f"subprotocols {names!r} hold one twice")
    if names:
        headers.append((hdrs.SEC_WEBSOCKET_PROTOCOL, ", ".join(names)))
    if extension is not None:
        headers.append((hdrs.SEC_WEBSOCKET_EXTENSIONS, extension))
    if origin is not None:
        headers.append((hdrs.ORIGIN, origin))
    return headers


def check_response(
    status: int,
    headers: MultiMapping[str],
    key: str,
    subprotocols: Iterable[str] = (),
    deflate: DeflateOptions | None = None,
) -> tuple[str | None, DeflateParams | None]:
    """Check what RFC 6455 4.1 demands of the server's half.

    :param key: the request's ``Sec-WebSocket-Key``.
    :param subprotocols: those that the request offered.
    :param deflate: the options that the request's offer was made from, or ``None``.
    :returns: the negotiated subprotocol and permessage-deflate parameters, each ``None``
        when the server chose none.
    :raises HandshakeError: the response does not open a WebSocket; the connection must be
        closed. Its ``status`` is that of the response.
    """
    try:
        return _check_response(status, headers, key, subprotocols, deflate)
    except HandshakeError as exc:
        exc.status = status
        raise


def _check_response(
    status: int,
    headers: MultiMapping[str],
    key: str,
    subprotocols: Iterable[str],
    deflate: DeflateOptions | None,
) -> tuple[str | None, DeflateParams | None]:
    if status != 101:
        raise HandshakeError(HandshakeFault.STATUS, value=str(status))
    upgrade = headers.getall(hdrs.UPGRADE, None)
    if upgrade is None or len(upgrade) > 1 or upgrade[0].lower() != "websocket":
        raise _no_upgrade(hdrs.UPGRADE, upgrade, "websocket alone")
    connection = headers.getall(hdrs.CONNECTION, None)
    if connection is None or not _has_token(connection, "upgrade"):
        raise _no_upgrade(hdrs.CONNECTION, connection, "upgrade")
    accept = _single(headers, hdrs.SEC_WEBSOCKET_ACCEPT)
    if accept is None:
        raise HandshakeError(HandshakeFault.MISSING, hdrs.SEC_WEBSOCKET_ACCEPT)
    if accept != (expected := accept_key(key)):
        raise HandshakeError(
            HandshakeFault.WRONG_VALUE, hdrs.SEC_WEBSOCKET_ACCEPT, accept, expected=expected
        )
    subprotocol = _single(headers, hdrs.SEC_WEBSOCKET_PROTOCOL)
    if not subprotocol:
        subprotocol = None  # Servers exist that answer an empty one, for none.
    elif subprotocol not in subprotocols:
        raise HandshakeError(HandshakeFault.NOT_OFFERED, hdrs.SEC_WEBSOCKET_PROTOCOL, subprotocol)
    answers = headers.getall(hdrs.SEC_WEBSOCKET_EXTENSIONS, None)
    if answers is None:
        return subprotocol, None
    answer = ", ".join(answers)
    if deflate is None:
        if parse_extensions(answer):
            raise HandshakeError(HandshakeFault.NOT_OFFERED, hdrs.SEC_WEBSOCKET_EXTENSIONS, answer)
        return subprotocol, None
    return subprotocol, accept_response(answer, deflate)
