"""What a peer did wrong on an open connection, as the message API raises it.

The wire and the engine report a :class:`~aiohttp_ws.errors.ProtocolFault`, whose kind and
numbers choose the exception here: it becomes the cause of :exc:`ConnectionClosedError`.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import FaultKind, ProtocolFault
from .exceptions import PayloadTooBig, ProtocolError

__all__ = ("explained",)


def _too_big(fault: ProtocolFault) -> PayloadTooBig:
    return PayloadTooBig(fault.size, fault.limit or 0)


def _not_utf8(fault: ProtocolFault) -> UnicodeError:
    return UnicodeError(fault.reason)


# The other kinds are violations of the protocol.
_CLASSES: dict[FaultKind, Callable[[ProtocolFault], Exception]] = {
    FaultKind.FRAME_SIZE: _too_big,
    FaultKind.FRAGMENT_SIZE: _too_big,
    FaultKind.MESSAGE_SIZE: _too_big,
    FaultKind.INFLATED_SIZE: _too_big,
    FaultKind.TEXT: _not_utf8,
    FaultKind.TEXT_END: _not_utf8,
    FaultKind.REASON: _not_utf8,
}


def explained(fault: ProtocolFault) -> Exception:
    """Return the exception of this API for *fault*, which becomes its cause."""
    make = _CLASSES.get(fault.kind)
    exc = ProtocolError(fault.reason) if make is None else make(fault)
    exc.__cause__ = fault
    return exc
