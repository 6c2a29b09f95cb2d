"""What the wire refuses of an opening handshake, as the message API raises it."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import HandshakeError, HandshakeFault
from .exceptions import (
    DuplicateParameter,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidParameterName,
    InvalidParameterValue,
    InvalidProtocol,
    InvalidUpgrade,
    NegotiationError,
)

__all__ = ("explained",)


def _message(exc: HandshakeError) -> InvalidHandshake:
    return InvalidMessage(exc.message)


def _negotiation(exc: HandshakeError) -> InvalidHandshake:
    return NegotiationError(exc.message)


_CLASSES: dict[HandshakeFault, Callable[[HandshakeError], InvalidHandshake]] = {
    HandshakeFault.METHOD: lambda exc: InvalidMethod(exc.value or ""),
    HandshakeFault.HTTP_VERSION: lambda exc: InvalidProtocol(f"HTTP/{exc.value}"),
    HandshakeFault.BODY: _message,
    HandshakeFault.STATUS: _message,
    HandshakeFault.NO_UPGRADE: lambda exc: InvalidUpgrade(exc.header or "", exc.value),
    HandshakeFault.MISSING: lambda exc: InvalidHeader(exc.header or ""),
    HandshakeFault.REPEATED: lambda exc: InvalidHeader(
        exc.header or "", f"multiple values: {exc.value}"
    ),
    HandshakeFault.MALFORMED: lambda exc: InvalidHeaderFormat(
        exc.header or "", "malformed", exc.value or "", exc.position or 0
    ),
    HandshakeFault.WRONG_VALUE: lambda exc: InvalidHeaderValue(exc.header or "", exc.value),
    HandshakeFault.ORIGIN_REFUSED: lambda exc: InvalidOrigin(exc.value),
    HandshakeFault.NOT_OFFERED: _negotiation,
    HandshakeFault.CHOSEN_TWICE: _negotiation,
    HandshakeFault.PARAMETER_REPEATED: lambda exc: DuplicateParameter(exc.parameter or ""),
    HandshakeFault.PARAMETER_UNKNOWN: lambda exc: InvalidParameterName(exc.parameter or ""),
    HandshakeFault.PARAMETER_VALUE: lambda exc: InvalidParameterValue(
        exc.parameter or "", exc.parameter_value
    ),
    HandshakeFault.PARAMETER_MISSING: _negotiation,
    HandshakeFault.PARAMETER_NOT_OFFERED: _negotiation,
}


def explained(exc: HandshakeError) -> InvalidHandshake:
    """The exception of this API that tells what *exc* does."""
    return _CLASSES[exc.kind](exc)
