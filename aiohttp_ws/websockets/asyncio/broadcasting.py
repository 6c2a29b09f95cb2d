"""``broadcast`` with websockets' parameters, on the engine's broadcast.

The engine frames and compresses a message once for all connections; here is what websockets'
interface adds: the types that it takes, and how it reports connections that were skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ...ws.listeners.broadcast import broadcast as broadcast_all
from ...ws.typed_messages import OutgoingMessage
from ..exceptions import ConcurrencyError
from ..typing import DataLike

__all__ = ("broadcast",)


def broadcast(
    connections: Iterable[Any],
    message: DataLike | OutgoingMessage,
    raise_exceptions: bool = False,
    *,
    text: bool | None = None,
) -> None:
    """Send one message to many connections, without waiting for any.

    Connections that are not open are skipped. There is no back-pressure:
    :func:`aiohttp_ws.broadcast`, which this calls, can leave out slow connections.

    :param connections: connections of either end.
    :param message: ``str`` for a text message, bytes-like for a binary one, or an
        :class:`~aiohttp_ws.OutgoingMessage`.
    :param raise_exceptions: raise an :exc:`ExceptionGroup` when the message could not be sent
        to a connection because that is in the middle of a fragmented message; it is logged
        otherwise.
    :param text: ``True`` sends bytes as text, ``False`` ``str`` as binary.
    :raises TypeError: for another type of message.
    :raises ValueError: *raise_exceptions* before Python 3.11, which has no such groups; nothing
        is sent then.
    """
    if not isinstance(message, (str, bytes, bytearray, memoryview, OutgoingMessage)):
        raise TypeError(f"data must be str or bytes, not {type(message).__name__}")
    if raise_exceptions and sys.version_info < (3, 11):
        raise ValueError("raise_exceptions=True needs Python 3.11: ExceptionGroup came with it")
    if isinstance(message, OutgoingMessage):
        text = None  # the message has its type
    elif text is not None and text != isinstance(message, str):
        message = message.encode() if isinstance(message, str) else bytes(message).decode()
    report = broadcast_all(connections, message, high_water=None)
    if not report.slow:
        return
    if raise_exceptions:
        raise ExceptionGroup(  # noqa: F821 (ruff thinks of Python 3.10)
            "skipped broadcast",
            [ConcurrencyError("sending a fragmented message") for _ in report.slow],
        )
    for connection in report.slow:
        connection.logger.warning("skipped broadcast: sending a fragmented message")
