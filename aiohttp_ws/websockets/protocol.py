"""One end of a WebSocket connection without input and output: bytes in, events out."""

from __future__ import annotations

import enum
from typing import Any

__all__ = ("SEND_EOF", "Side", "State")

#: In :meth:`Protocol.data_to_send`: close the sending half of the connection.
SEND_EOF = b""


class Side(enum.IntEnum):
    """Which end of a connection it is."""

    SERVER = 0
    CLIENT = 1


class State(enum.IntEnum):
    """What a connection has come to (RFC 6455 4.1, 4.2, 7.1.3 and 7.1.4)."""

    #: The opening handshake goes on.
    CONNECTING = 0
    #: Messages can be sent and received.
    OPEN = 1
    #: A close frame was sent or received.
    CLOSING = 2
    #: The connection is closed, or never opened.
    CLOSED = 3


CONNECTING = State.CONNECTING
OPEN = State.OPEN
CLOSING = State.CLOSING
CLOSED = State.CLOSED


def __getattr__(name: str) -> Any:
    if name == "WebSocketCommonProtocol":
        # The class of connections under the name that programs of the first years import.
        from .asyncio.connection import Connection  # noqa: PLC0415

        return Connection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
