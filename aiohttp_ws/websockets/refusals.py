"""What the wire refuses of an opening handshake, as the message height raises it."""

from __future__ import annotations

import re

from multidict import MultiMapping

from ..errors import HandshakeError
from .exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidOrigin,
    InvalidUpgrade,
    NegotiationError,
)

__all__ = ("explained",)

_ABOUT = re.compile(
    r"(?P<malformed>malformed )?(?P<name>Upgrade|Connection|Origin|Sec-WebSocket-[A-Za-z]+)\b"
    r"(?: at character (?P<at>\d+))?(?P<repeated> comes \d+ times)?"
)
_CHOSEN_BY_SERVERS = ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")


def explained(
    exc: HandshakeError, headers: MultiMapping[str], *, of_response: bool = False
) -> InvalidHandshake:
    """The exception of this height that tells what *exc* does.

    :param headers: those of the request or the response that was refused.
    :param of_response: it was a response: a subprotocol or an extension that a server chose,
        not one that a client offered.
    """
    about = _ABOUT.match(exc.message)
    if about is None:
        return InvalidMessage(exc.message)
    name = about["name"]
    values = headers.getall(name, [])
    value = ", ".join(values) if values else None
    if about["repeated"]:
        return InvalidHeader(name, f"multiple values: {value}")
    if about["malformed"]:
        return InvalidHeaderFormat(name, "malformed", value or "", int(about["at"] or 0))
    if of_response and name in _CHOSEN_BY_SERVERS:
        return NegotiationError(exc.message)
    if name == "Origin":
        return InvalidOrigin(value)
    if name in ("Upgrade", "Connection"):
        return InvalidUpgrade(name, value)
    if value is None:
        return InvalidHeader(name)
    return InvalidHeaderValue(name, value)
