"""Where a user's decision about a connection becomes an answer, whatever API it is given with.

A server whose request has passed the checks of the opening handshake calls :func:`consult`
before it answers; a client that has checked the answer calls :func:`show_response`, and drops
the connection if that raises.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from ... import hdrs
from ...wire.extensions import is_token, parse_extensions
from ...wire.handshake import ServerHandshake, offered_subprotocols
from .decisions import (
    ConnectAnswer,
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    Extension,
    HeadersOfAnswer,
    OnConnect,
    OnConnected,
)

if TYPE_CHECKING:
    import asyncio

    from .frame_options import LoggerLike

__all__ = (
    "Denied",
    "connection_response",
    "consult",
    "peer_name",
    "show_response",
)

VERSION = 13  # RFC 6455 4.1
# The handshake makes these; another value would break what both ends have negotiated.
RESERVED = frozenset(
    name.lower()
    for name in (
        hdrs.UPGRADE,
        hdrs.CONNECTION,
        hdrs.SEC_WEBSOCKET_ACCEPT,
        hdrs.SEC_WEBSOCKET_EXTENSIONS,
        hdrs.SEC_WEBSOCKET_VERSION,
        hdrs.CONTENT_LENGTH,
        hdrs.TRANSFER_ENCODING,
    )
)
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110 5.5
PHRASE = re.compile(r"[\x20-\x7e]+")


class WrongDecision(Exception):
    """``on_connect`` returned what cannot be done: a bug of the server's, to answer with 500."""


class Denied(NamedTuple):
    """What a client is answered that ``on_connect`` does not let in.

    :param status: the HTTP status.
    :param phrase: what the status line says of it.
    :param text: the body.
    """

    status: int
    phrase: str
    text: str


_FAILED = Denied(500, "Internal Server Error", "500 Internal Server Error")


async def consult(
    on_connect: OnConnect,
    handshake: ServerHandshake,
    transport: asyncio.BaseTransport | None,
    headers: MultiMapping[str],
    path: str,
    query_string: str,
    logger: LoggerLike,
    *,
    raises: bool = False,
) -> Denied | None:
    """Ask *on_connect*, a function or coroutine function, about a request.

    :param handshake: how the request is to be answered; what was decided is added to it.
    :param headers: the request's.
    :param path: as it was sent, without the query.
    :param logger: what is told of an answer that cannot be done.
    :param raises: let exceptions of *on_connect* through, besides :exc:`ConnectionDeny`; else
        they are logged, and the client is answered 500.
    :returns: ``None`` for a client that is let in.
    :raises HandshakeError: ``Sec-WebSocket-Extensions`` is malformed (RFC 6455 9.1).
    """
    asked = connection_request(transport, headers, path, query_string)
    try:
        answer = on_connect(asked)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not None:
            _apply(answer, asked, handshake)
    except ConnectionDeny as deny:
        return Denied(deny.code, reason_phrase(deny), denial_text(deny))
    except WrongDecision as exc:
        logger.error("%s; the request was for %s", exc, path)
        return _FAILED
    except Exception as exc:
        if raises:
            raise
        logger.error("exception in on_connect", exc_info=exc)
        return _FAILED
    return None


def _apply(answer: ConnectAnswer, request: ConnectionRequest, handshake: ServerHandshake) -> None:
    """Add what *answer* says to *handshake*.

    :raises WrongDecision: it cannot be done; the message says why.
    """
    if isinstance(answer, ConnectionAccept):
        subprotocol, headers = answer.subprotocol, answer.headers
    elif isinstance(answer, str):
        subprotocol, headers = answer, None
    elif isinstance(answer, tuple) and len(answer) == 2:
        subprotocol, headers = answer
    else:
        raise WrongDecision(
            f"on_connect returned {answer!r}: return None, a subprotocol, a pair (subprotocol,"
            " headers) or a ConnectionAccept, or raise ConnectionDeny"
        )
    if subprotocol is not None and subprotocol not in request.protocols:
        offered = ", ".join(map(repr, request.protocols)) or "none"
        raise WrongDecision(
            f"on_connect chose the subprotocol {subprotocol!r}, which the client at {request.peer}"
            f" did not offer; it offered {offered}"
        )
    if headers:
        handshake.extra = _checked(headers)
    if subprotocol is not None:
        handshake.choose(subprotocol)


def _checked(headers: HeadersOfAnswer) -> list[tuple[str, str]]:
    """The lines that *headers* stand for, if none of them can do harm."""
    lines = []
    try:
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        for name, values in pairs:
            lines += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    except (TypeError, ValueError):
        raise WrongDecision(
            f"on_connect returned headers={headers!r}: pass a mapping of names to values, or pairs"
        ) from None
    for name, value in lines:
        if not isinstance(name, str) or not is_token(name):
            raise WrongDecision(f"on_connect returned a header {name!r}: that is not a name")
        if not isinstance(value, str) or CONTROL.search(value):
            raise WrongDecision(
                f"on_connect returned the header {name}: {value!r}; its value must be a str"
                " without control characters"
            )
        lower = name.lower()
        if lower == "sec-websocket-protocol":
            raise WrongDecision(f"on_connect returned the header {name}: return the subprotocol")
        if lower in RESERVED:
            raise WrongDecision(
                f"on_connect returned the header {name}, which the handshake makes itself"
            )
    return lines


def reason_phrase(deny: ConnectionDeny) -> str:
    """What the status line of a refusal says.

    RFC 9112 4 leaves the phrase to us; characters beyond ASCII are read differently by clients.
    """
    if deny.reason and PHRASE.fullmatch(deny.reason):
        return deny.reason
    try:
        return HTTPStatus(deny.code).phrase
    except ValueError:
        return ""


def denial_text(deny: ConnectionDeny) -> str:
    """What the body of a refusal says; bytes of a request that were no UTF-8 are escaped."""
    text = deny.reason or f"{deny.code} {reason_phrase(deny)}".rstrip()
    return text.encode("utf-8", "backslashreplace").decode()


def connection_request(
    transport: asyncio.BaseTransport | None,
    headers: MultiMapping[str],
    path: str,
    query_string: str,
) -> ConnectionRequest:
    """What *on_connect* is to decide about; the handshake was checked before.

    :param path: as it was sent, without the query.
    :raises HandshakeError: ``Sec-WebSocket-Extensions`` is malformed (RFC 6455 9.1).
    """
    host = headers.get(hdrs.HOST)
    if host is not None:
        name, colon, port = host.rpartition(":")
        if colon and (not port or (port.isascii() and port.isdecimal())) and not name.endswith(":"):
            host = name
    return ConnectionRequest(
        peer_name(transport),
        _read_only(headers),
        host,
        path,
        parse_qs(query_string, keep_blank_values=True) if query_string else {},
        VERSION,
        headers.get(hdrs.ORIGIN),
        offered_subprotocols(headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ())),
        _extensions(headers),
    )


def _read_only(headers: MultiMapping[str]) -> CIMultiDictProxy[str]:
    if isinstance(headers, CIMultiDictProxy):
        return headers
    return CIMultiDictProxy(
        headers if isinstance(headers, CIMultiDict) else CIMultiDict(headers.items())
    )


def _extensions(headers: MultiMapping[str]) -> list[Extension]:
    lines = headers.getall(hdrs.SEC_WEBSOCKET_EXTENSIONS, None)
    found: list[Extension] = []
    for name, parameters in parse_extensions(", ".join(lines)) if lines else ():
        values: dict[str, list[str | bool]] = {}
        for parameter, value in parameters:
            values.setdefault(parameter, []).append(True if value is None else value)
        found.append((name, values))
    return found


def peer_name(transport: asyncio.BaseTransport | None) -> str:
    """The address of the other end: ``"tcp4:HOST:PORT"``, ``"tcp6:..."``, ``"unix:PATH"``."""
    address = None if transport is None else transport.get_extra_info("peername")
    if isinstance(address, (tuple, list)) and len(address) >= 2:
        return f"{'tcp6' if ':' in str(address[0]) else 'tcp4'}:{address[0]}:{address[1]}"
    if isinstance(address, (str, bytes)):
        return f"unix:{address if isinstance(address, str) else address.decode(errors='replace')}"
    return "unknown"


# ------------------------------------------------------------------------- the client


def connection_response(
    transport: asyncio.BaseTransport | None, headers: MultiMapping[str], protocol: str | None
) -> ConnectionResponse:
    """What a client's *on_connect* is to see; the answer was checked before."""
    return ConnectionResponse(
        peer_name(transport), _read_only(headers), VERSION, protocol, _extensions(headers)
    )


async def show_response(on_connect: OnConnected, response: ConnectionResponse) -> None:
    """Show *response* to *on_connect*, a function or coroutine function, which may raise."""
    answer = on_connect(response)
    if inspect.isawaitable(answer):
        await answer
